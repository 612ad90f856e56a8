package data_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/server/data"
)

// listen opens n consecutive free ports on every loopback address.
func listen(t *testing.T, n int, unused time.Duration) (*data.Ports, []uint16) {
	t.Helper()
	for range 100 {
		first := uint16(20000 + rand.IntN(40000))
		p, err := data.Listen("", first, first+uint16(n)-1, unused, slog.New(slog.DiscardHandler))
		if err != nil {
			continue
		}
		t.Cleanup(p.Close)
		var all []uint16
		for i := range n {
			all = append(all, first+uint16(i))
		}
		return p, all
	}
	t.Fatal("no free range of ports")
	return nil, nil
}

// dial connects to port from the loopback address from.
func dial(t *testing.T, from string, port uint16) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func reserve(t *testing.T, p *data.Ports, peer string, usable []uint16) *data.Reservation {
	t.Helper()
	r, err := p.Reserve(netip.MustParseAddr(peer), usable)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// open opens the reservation and fails the test if nobody comes.
func open(t *testing.T, r *data.Reservation) *net.TCPConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := r.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// isClosed waits for the other side to hang up.
func isClosed(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("read %d bytes, %v; want a closed connection", n, err)
	}
}

func TestAPortIsSharedByPeersOfDifferentAddresses(t *testing.T) {
	p, ports := listen(t, 1, time.Minute)
	two := reserve(t, p, "127.0.0.2", ports)
	three := reserve(t, p, "127.0.0.3", ports)
	if two.Port() != three.Port() {
		t.Fatalf("ports %d and %d; want the same", two.Port(), three.Port())
	}
	fromThree := dial(t, "127.0.0.3", three.Port())
	fromTwo := dial(t, "127.0.0.2", two.Port())
	if got := open(t, two).RemoteAddr().String(); got != fromTwo.LocalAddr().String() {
		t.Errorf("the first reservation got %s, want %s", got, fromTwo.LocalAddr())
	}
	if got := open(t, three).RemoteAddr().String(); got != fromThree.LocalAddr().String() {
		t.Errorf("the second reservation got %s, want %s", got, fromThree.LocalAddr())
	}
}

func TestAPortRestsBeforeItIsReservedAgain(t *testing.T) {
	p, ports := listen(t, 4, time.Minute)
	seen := map[uint16]bool{}
	for range ports {
		r := reserve(t, p, "127.0.0.2", ports)
		dial(t, "127.0.0.2", r.Port()) // for a transfer that is refused
		r.Close()
		if seen[r.Port()] {
			t.Errorf("port %d: reserved again while others had rested longer", r.Port())
		}
		seen[r.Port()] = true
	}
}

func TestWhatCameForARefusedTransferIsNotTakenForTheNext(t *testing.T) {
	p, ports := listen(t, 1, time.Minute)
	for range 100 {
		refused := reserve(t, p, "127.0.0.2", ports)
		stale := dial(t, "127.0.0.2", refused.Port())
		refused.Close()
		r := reserve(t, p, "127.0.0.2", ports)
		rightful := dial(t, "127.0.0.2", r.Port())
		if got := open(t, r).RemoteAddr().String(); got != rightful.LocalAddr().String() {
			t.Fatalf("got %s, want %s, not the one that came before, %s", got, rightful.LocalAddr(), stale.LocalAddr())
		}
		r.Close()
		isClosed(t, stale)
	}
}

func TestAStrangerIsDroppedAndHarmsNobody(t *testing.T) {
	p, ports := listen(t, 1, time.Minute)
	r := reserve(t, p, "127.0.0.2", ports)
	isClosed(t, dial(t, "127.0.0.9", r.Port()))
	rightful := dial(t, "127.0.0.2", r.Port())
	if got := open(t, r).RemoteAddr().String(); got != rightful.LocalAddr().String() {
		t.Errorf("got %s, want the rightful %s", got, rightful.LocalAddr())
	}
}

func TestAReservationTakesOneConnection(t *testing.T) {
	p, ports := listen(t, 1, time.Minute)
	r := reserve(t, p, "127.0.0.2", ports)
	first := dial(t, "127.0.0.2", r.Port())
	open(t, r)
	isClosed(t, dial(t, "127.0.0.2", r.Port()))
	first.SetDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := first.Read(make([]byte, 1)); !isTimeout(err) {
		t.Errorf("the first connection: %v, want it open", err)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func TestOneAddressGetsEachPortOnce(t *testing.T) {
	p, ports := listen(t, 4, time.Minute)
	got := map[uint16]bool{}
	for range ports {
		got[reserve(t, p, "127.0.0.2", ports).Port()] = true
	}
	if len(got) != len(ports) {
		t.Errorf("got %d different ports, want %d", len(got), len(ports))
	}
	if _, err := p.Reserve(netip.MustParseAddr("127.0.0.2"), ports); !errors.Is(err, data.ErrPortsBusy) {
		t.Errorf("one more: %v, want ErrPortsBusy", err)
	}
}

func TestOnlyUsablePortsAreHandedOut(t *testing.T) {
	p, ports := listen(t, 4, time.Minute)
	for range 50 {
		r := reserve(t, p, "127.0.0.2", ports[2:3])
		if r.Port() != ports[2] {
			t.Fatalf("got port %d, want %d", r.Port(), ports[2])
		}
		r.Close()
	}
	for name, usable := range map[string][]uint16{"none": nil, "one that is not ours": {ports[3] + 1}} {
		if _, err := p.Reserve(netip.MustParseAddr("127.0.0.2"), usable); !errors.Is(err, data.ErrNoPort) {
			t.Errorf("usable %s: %v, want ErrNoPort", name, err)
		}
	}
}

func TestAClosedReservationGivesPortAndConnectionBack(t *testing.T) {
	p, ports := listen(t, 1, time.Minute)
	r := reserve(t, p, "127.0.0.2", ports)
	c := dial(t, "127.0.0.2", r.Port())
	// The next reservation is possible only once the first has its connection.
	var again *data.Reservation
	for again == nil {
		again, _ = p.Reserve(netip.MustParseAddr("127.0.0.2"), ports)
	}
	r.Close()
	r.Close()
	isClosed(t, c)
	dial(t, "127.0.0.2", again.Port())
	open(t, again)
}

func TestAReservationThatNobodyUsesIsGivenToTheNext(t *testing.T) {
	p, ports := listen(t, 1, 0)
	old := reserve(t, p, "127.0.0.2", ports)
	young := reserve(t, p, "127.0.0.2", ports)
	if _, err := old.Open(t.Context()); err == nil {
		t.Error("the old reservation still opens")
	}
	old.Close()
	dial(t, "127.0.0.2", young.Port())
	open(t, young)
}

func TestAMissedConnectionTellsWhoCameInstead(t *testing.T) {
	cause := errors.New("waited 1s")
	for name, knock := range map[string]func(t *testing.T, told, other uint16) (want data.MissedError){
		"nobody": func(_ *testing.T, told, _ uint16) data.MissedError { return data.MissedError{Port: told} },
		"the client, to another port": func(t *testing.T, told, other uint16) data.MissedError {
			isClosed(t, dial(t, "127.0.0.2", other))
			return data.MissedError{Port: told, CameTo: other}
		},
		"a stranger": func(t *testing.T, told, _ uint16) data.MissedError {
			isClosed(t, dial(t, "127.0.0.9", told))
			return data.MissedError{Port: told, Stranger: netip.MustParseAddr("127.0.0.9")}
		},
		"a stranger, to another port": func(t *testing.T, told, other uint16) data.MissedError {
			isClosed(t, dial(t, "127.0.0.9", other))
			return data.MissedError{Port: told}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, ports := listen(t, 2, time.Minute)
			r := reserve(t, p, "127.0.0.2", ports)
			other := ports[0] + ports[1] - r.Port()
			want := knock(t, r.Port(), other)
			p.Close() // whoever knocked has been noted
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(cause)
			_, err := r.Open(ctx)
			var got *data.MissedError
			if !errors.As(err, &got) || !errors.Is(err, cause) {
				t.Fatalf("got %v, want a MissedError that wraps the cause", err)
			}
			if got.Port != want.Port || got.CameTo != want.CameTo || got.Stranger != want.Stranger {
				t.Errorf("got %+v, want %+v", got, want)
			}
			t.Log(err)
		})
	}
}

func TestAReservationThatIsBeingOpenedIsKept(t *testing.T) {
	p, ports := listen(t, 1, 0)
	r := reserve(t, p, "127.0.0.2", ports)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("open: %v, want context.Canceled", err)
	}
	if _, err := p.Reserve(netip.MustParseAddr("127.0.0.2"), ports); !errors.Is(err, data.ErrPortsBusy) {
		t.Errorf("got %v, want ErrPortsBusy", err)
	}
}

func TestClosingThePortsEndsAll(t *testing.T) {
	p, ports := listen(t, 2, time.Minute)
	r := reserve(t, p, "127.0.0.2", ports)
	c := dial(t, "127.0.0.2", r.Port())
	p.Close()
	r.Close()
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0])); err == nil {
		t.Error("the port still accepts")
	}
	isClosed(t, c)
}

func TestListenNamesThePortThatIsTaken(t *testing.T) {
	_, ports := listen(t, 1, time.Minute)
	_, err := data.Listen("", ports[0], ports[0], time.Minute, slog.New(slog.DiscardHandler))
	if want := fmt.Sprintf("passive port %d: ", ports[0]); err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
		t.Errorf("got %v, want it to begin with %q", err, want)
	}
}

func TestActiveDialIsBoundedByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 0, errors.New("waited 0s"))
		defer cancel()
		_, err := data.Dial(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddrPort("127.0.0.1:1"), 0).Open(ctx)
		if err == nil || err.Error() != "cannot connect to 127.0.0.1:1: waited 0s" {
			t.Errorf("got %v", err)
		}
	})
}

func TestPortsThatAwaitSomebodyAreTold(t *testing.T) {
	p, all := listen(t, 2, time.Minute)
	if got := p.Awaited(); len(got) != 0 {
		t.Errorf("awaited at first: %v, want nobody", got)
	}
	first := reserve(t, p, "127.0.0.1", all[:1])
	reserve(t, p, "127.0.0.2", all[:1])
	if got := p.Awaited(); got[all[0]] != 2 || len(got) != 1 {
		t.Errorf("awaited: %v, want two on %d", got, all[0])
	}
	first.Close()
	if got := p.Awaited(); got[all[0]] != 1 {
		t.Errorf("awaited: %v, want one on %d", got, all[0])
	}
}
