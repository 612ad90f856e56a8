//go:build linux

package integration

import (
	"os"
	"syscall"
	"testing"
	"time"

	"natftpd/integration/lab"
)

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
	lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for began := time.Now(); time.Since(began) < watched; <-second.C {
		err := rulesAre(t, l.Router, rulesFor(s.port))
		if err != nil { // miniupnpd takes a rule away for a moment to renew it
			err = rulesAre(t, l.Router, rulesFor(s.port))
		}
		if err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	}
	if !long {
		return
	}
	s.Stop(t, syscall.SIGKILL, stopWithin)
	lab.Await(t, 2*lease, func() error { return rulesAre(t, l.Router, nil) })
}
