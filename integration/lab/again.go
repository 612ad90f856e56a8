//go:build linux

package lab

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

// insideLab tells a run of Again which lab it is in.
const insideLab = "NATLAB_PREFIX"

// Again runs the test that calls it once more, as a program on a host: all that it
// does on the network it does there. That run finds the lab by Inside.
func (l *Lab) Again(t testing.TB, on *Host) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := on.Command(binary, "-test.run="+pattern, "-test.v", "-test.timeout="+runTimeout.String())
	cmd.Env = append(os.Environ(), insideLab+"="+l.prefix)
	out, err := on.Try(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "--- PASS: "+t.Name()) {
		t.Fatalf("on %s %s did not run:\n%s", on.Name, t.Name(), out)
	}
	t.Log(out)
}

// Inside is the lab that a run of Again is in, as it was built. nil: this is another
// run.
func Inside() *Lab {
	prefix := os.Getenv(insideLab)
	if prefix == "" {
		return nil
	}
	l := &Lab{prefix: prefix}
	l.Internet, l.Server, l.Neighbour, l.Guest = l.host("internet"), l.host("server"), l.host("neighbour"), l.host("guest")
	l.Router = &Router{Host: l.host("router"), wan: netip.PrefixFrom(WANAddr, 16)}
	return l
}
