//go:build linux

package integration

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// replacedWithin is when a rule that is being renewed must be there again. By PCP and
// NAT-PMP miniupnpd 2.3.1 renews in two transactions: it deletes the rule and then adds
// it ("remove and then add again" in pcpserver.c, CreatePCPMap_NAT, and in natpmp.c).
// Between them, for 0.2 ms, or 40 ms on a loaded machine, it does not forward the port.
// A rule that is lost comes back with its next renewal only, some 30 s later; one whose
// lease has run out may come sooner, but of that natftpd's log tells.
const replacedWithin = time.Second

// Mappings that live for a minute never go for as long as natftpd runs, and do when
// nobody renews them. With NATLAB_LONG set they are watched for five minutes.
func TestShortLeasesAreKept(t *testing.T) {
	t.Parallel()
	const lease = time.Minute
	watched := 90 * time.Second
	long := os.Getenv("NATLAB_LONG") != ""
	if long {
		watched = 5 * time.Minute
	}
	l := lab.New(t, lab.Options{PMP: true, Lease: lease})
	s := serve(t, l.Server, 2121, l.STUN)
	s.AwaitLog(t, mappedWithin, `msg="passive ports asked for" open=50000-50009 not_open=""\n`)
	mapped := s.Log()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for began := time.Now(); time.Since(began) < watched; <-second.C {
		lab.Await(t, replacedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
	}
	if got, more := strings.CutPrefix(s.Log(), mapped); !more || got != "" {
		t.Errorf("natftpd noticed something meanwhile:\n%s", got)
	}
	if !long {
		return
	}
	s.Stop(t, syscall.SIGKILL, stopWithin)
	lab.Await(t, 2*lease, func() error { return rulesAre(t, l.Router, nil) })
}
