package natdiscovery

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/pcp"
)

// aJournal has one mapping of each kind: confirmed, asked for, and for ever.
func aJournal() journal {
	device := gateway.Device{Address: netip.MustParseAddr("192.168.77.1"), ID: "uuid:1"}
	mapping := func(port uint16) gateway.Mapping {
		return gateway.Mapping{Request: gateway.Request{Internal: netip.AddrPortFrom(lanA, port), External: port,
			Lease: time.Hour, Description: "natftpd"}}
	}
	confirmed, asked, forever := mapping(2121), mapping(50000), mapping(50001)
	confirmed.Granted, confirmed.Lifetime = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), 20*time.Minute
	forever.Granted = confirmed.Granted
	return journal{external: wanA, secret: pcp.Secret{1, 2, 31: 3}, mappings: []remnant{
		{device, gateway.UPnP, confirmed}, {device, gateway.UPnP, asked}, {device, gateway.UPnP, forever}},
		pinholes: []leftPinhole{{device, gateway.PCP, gateway.Pinhole{Internal: netip.AddrPortFrom(lasting, 2121), ID: "7",
			Granted: confirmed.Granted, Lifetime: time.Hour}}}}
}

func TestJournalIsReadAsItWasWritten(t *testing.T) {
	for name, j := range map[string]journal{"full": aJournal(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			dir := store(t.TempDir())
			if err := dir.save(j); err != nil {
				t.Fatal(err)
			}
			if got := dir.load(failOnLog(t)); !got.sameAs(j) {
				t.Errorf("got %+v, want %+v", got, j)
			}
			info, err := os.Stat(dir.path())
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("file: %v, %v; want one that is ours alone", info.Mode(), err)
			}
			if list, _ := os.ReadDir(string(dir)); len(list) != 1 {
				t.Errorf("the folder has %v, want the journal alone", list)
			}
		})
	}
}

func TestJournalIsForPeopleToo(t *testing.T) {
	data, err := aJournal().encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"version": 1`, `"external_address": "11.22.0.2"`, `"internal": "192.168.77.10:2121"`,
		`"lease_granted_seconds": 1200`, `"granted": "2026-07-01T12:00:00Z"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in\n%s", want, data)
		}
	}
}

func TestOnlyPermanentRemnantsStayForEver(t *testing.T) {
	for i, want := range []bool{false, false, true} {
		if got := aJournal().mappings[i].permanent(); got != want {
			t.Errorf("mapping %d: got %v, want %v", i, got, want)
		}
	}
}

func failOnLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(writer(func(p []byte) { t.Errorf("logged: %s", p) }), nil))
}

// writer is a function that is written to.
type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

var badJournals = map[string]string{
	"is empty":                           "",
	"is half written":                    `{"version": 1, "external_address": "11.2`,
	"has something behind its end":       `{"version": 1} {}`,
	"is of a later version":              `{"version": 2}`,
	"is of no version":                   `{}`,
	"has a key that nobody knows":        `{"version": 1, "colour": "red"}`,
	"has a private external address":     `{"version": 1, "external_address": "192.168.1.2"}`,
	"has an external address of IPv6":    `{"version": 1, "external_address": "2600::1"}`,
	"has a mapping of no port":           `{"version": 1, "mappings": [{"gateway": "192.168.77.1", "internal": "192.168.77.10:2121", "external_port": 0}]}`,
	"has a mapping to no port":           `{"version": 1, "mappings": [{"gateway": "192.168.77.1", "internal": "192.168.77.10:0", "external_port": 21}]}`,
	"has a mapping on no gateway":        `{"version": 1, "mappings": [{"internal": "192.168.77.10:2121", "external_port": 21}]}`,
	"has a mapping of year 10000":        `{"version": 1, "mappings": [{"gateway": "192.168.77.1", "internal": "192.168.77.10:2121", "external_port": 21, "granted": "9999-12-31T23:59:59-01:00"}]}`,
	"has a secret of the wrong length":   `{"version": 1, "pcp_nonce_secret": "00ff"}`,
	"has a secret that is a word":        `{"version": 1, "pcp_nonce_secret": "please"}`,
	"has a pinhole that was not granted": `{"version": 1, "ipv6_pinholes": [{"gateway": "192.168.77.1", "internal": "[2600::1]:21", "pinhole_id": "1"}]}`,
	"is far too large":                   `{"version": 1}` + strings.Repeat(" ", journalLimit),
}

func TestJournalThatIsNoneIsSetAside(t *testing.T) {
	for name, content := range badJournals {
		t.Run("it "+name, func(t *testing.T) {
			dir := store(t.TempDir())
			if err := os.WriteFile(dir.path(), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, nil))
			if got := dir.load(logger); !got.sameAs(journal{}) {
				t.Errorf("got %+v, want an empty one", got)
			}
			if got := dir.load(logger); !got.sameAs(journal{}) {
				t.Errorf("the second time: got %+v, want an empty one", got)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != 1 {
				t.Errorf("warnings: got %d, want 1:\n%s", got, log.String())
			}
			if kept, err := os.ReadFile(dir.path() + ".broken"); err != nil || string(kept) != content {
				t.Errorf("set aside: %v", err)
			}
		})
	}
}

func TestJournalInAFolderThatIsNotThere(t *testing.T) {
	dir := store(filepath.Join(t.TempDir(), "a", "b"))
	if got := dir.load(failOnLog(t)); !got.sameAs(journal{}) {
		t.Errorf("got %+v, want an empty one", got)
	}
	if err := dir.save(aJournal()); err != nil {
		t.Errorf("save: %v", err)
	}
}

func FuzzJournal(f *testing.F) {
	full, err := aJournal().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	for _, content := range badJournals {
		if len(content) < 1000 {
			f.Add([]byte(content))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := decodeJournal(data)
		if err != nil {
			return
		}
		again, err := j.encode()
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		if k, err := decodeJournal(again); err != nil || !k.sameAs(j) {
			t.Errorf("got %+v, %v; want %+v", k, err, j)
		}
	})
}
