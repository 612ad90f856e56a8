package cmd

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natftpd/driver"
	"natftpd/natdiscovery"
)

func TestTheFirstPasswordIsShownOnceAndKeptAsAHash(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	hash, shown, file, err := firstPassword(state)
	if err != nil || len(shown) < 16 || !driver.IsHash(hash) {
		t.Fatalf("hash %q, shown %q, %v", hash, shown, err)
	}
	kept, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(kept), shown) || strings.TrimSpace(string(kept)) != hash {
		t.Errorf("%s holds %q, %v; want the hash alone", file, kept, err)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	again, shown, _, err := firstPassword(state)
	if err != nil || again != hash || shown != "" {
		t.Errorf("the second start: hash %q, shown %q, %v", again, shown, err)
	}
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := firstPassword(state); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a file without a hash: %v", err)
	}
}

func TestAPasswordThatCannotBeKeptHoldsForTheRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	hash, shown, kept, err := firstPassword(filepath.Join(file, "state"))
	if err == nil && (hash == "" || shown == "" || kept != "") {
		t.Errorf("hash %q, shown %q, kept in %q", hash, shown, kept)
	}
	if err != nil {
		t.Errorf("got %v, want a password for this run", err)
	}
}

func TestAddressIsWhatAPersonTypes(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.5:2121":   "ftp://203.0.113.5:2121",
		"203.0.113.5:21":     "ftp://203.0.113.5",
		"[2001:db8::1]:2121": "ftp://[2001:db8::1]:2121",
		"[2001:db8::1]:21":   "ftp://[2001:db8::1]",
	} {
		if got := address(netip.MustParseAddrPort(in)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestTheGreetingSaysWhatIsInTheWay(t *testing.T) {
	for _, c := range []struct {
		status natdiscovery.Status
		want   string
	}{
		{natdiscovery.Status{Verdict: natdiscovery.Reachable, External: wan, Control: natdiscovery.Port{External: 2121}},
			"ftp://203.0.113.5:2121"},
		{natdiscovery.Status{Verdict: natdiscovery.ForwardedByHand, External: wan, Control: natdiscovery.Port{External: 21}, Advice: "forward TCP 21"},
			"ftp://203.0.113.5 if the router forwards it; forward TCP 21"},
		{natdiscovery.Status{Verdict: natdiscovery.DoubleNAT, External: wan, Advice: "set the outer one to bridge mode"},
			"not reachable: double NAT; set the outer one to bridge mode"},
	} {
		if got := outside(&c.status); got != c.want {
			t.Errorf("%s: got %q, want %q", c.status.Verdict, got, c.want)
		}
	}
}

func TestHashPasswordReadsOneLine(t *testing.T) {
	var out bytes.Buffer
	p := &program{in: strings.NewReader("correct horse\nmore\n"), out: &out}
	if err := p.hashPassword(); err != nil {
		t.Fatal(err)
	}
	accounts, err := driver.NewAccounts([]driver.User{{Name: "alice", Password: strings.TrimSpace(out.String()), Home: t.TempDir(), Access: driver.ReadOnly}}, driver.Files{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Login(t.Context(), driver.Attempt{Name: "alice", Password: "correct horse"}); err != nil {
		t.Error(err)
	}
}
