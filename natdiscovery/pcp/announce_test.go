package pcp

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

var router = netip.MustParseAddrPort("192.168.77.1:5351")

// datagram is what somebody sent.
type datagram struct {
	from netip.AddrPort
	b    []byte
}

// line is a socket in a synctest bubble.
type line struct {
	arrive chan datagram
	closed chan struct{}
	reads  int
}

func newLine() *line { return &line{arrive: make(chan datagram), closed: make(chan struct{})} }

func (l *line) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	l.reads++
	select {
	case d := <-l.arrive:
		return copy(b, d.b), d.from, nil
	case <-l.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (l *line) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

// hearing listens to a line until the end, and counts the calls.
func hearing(t *testing.T, run func(l *line, heard map[gateway.Reason]int)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l, heard, done := newLine(), map[gateway.Reason]int{}, make(chan struct{})
		go func() {
			defer close(done)
			listen(ctx, l, router.Addr(), func(why gateway.Reason) { heard[why]++ })
		}()
		run(l, heard)
		cancel()
		<-done
	})
}

func TestWhatTheGatewayAnnouncesIsHeard(t *testing.T) {
	newAddress := octets(t, "00 80 0000 00000003 0b160002")
	restart := octets(t, "02 80 00 00 00000000 00000000"+reserved)
	for _, c := range []struct {
		name string
		datagram
		want gateway.Reason // "": it is no announcement
	}{
		{"a new address by NAT-PMP", datagram{router, newAddress}, gateway.AddressChanged},
		{"a restart by PCP", datagram{router, restart}, gateway.Restarted},
		{"from another port", datagram{netip.AddrPortFrom(router.Addr(), 1), newAddress}, gateway.AddressChanged},
		{"by another host", datagram{netip.MustParseAddrPort("192.168.77.20:5351"), newAddress}, ""},
		{"an error", datagram{router, octets(t, "00 80 0003 00000003 00000000")}, ""},
		{"another version", datagram{router, octets(t, "03 80 00 00 00000000 00000000"+reserved)}, ""},
		{"a request", datagram{router, announceRequest(client4)}, ""},
		{"nothing", datagram{router, nil}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			hearing(t, func(l *line, heard map[gateway.Reason]int) {
				l.arrive <- c.datagram
				synctest.Wait()
				if c.want == "" && len(heard) != 0 || c.want != "" && (heard[c.want] != 1 || len(heard) != 1) {
					t.Errorf("told %v, want %q once", heard, c.want)
				}
			})
		})
	}
}

func TestRepetitionsAreHeardOnceASecond(t *testing.T) {
	hearing(t, func(l *line, heard map[gateway.Reason]int) {
		d := datagram{router, octets(t, "00 80 0000 00000003 0b160002")}
		// At 0, 0.25, 0.5, 1, 2, 4 s ... (RFC 6886, section 3.2.1).
		l.arrive <- d
		for pause := 250 * time.Millisecond; pause < 5*time.Second; pause *= 2 {
			time.Sleep(pause) // the bubble's clock
			l.arrive <- d
		}
		synctest.Wait()
		if n := heard[gateway.AddressChanged]; n < 4 || n > 5 {
			t.Errorf("told %d times in 7.75 s, want 4 or 5", n)
		}
	})
}

func TestAFloodCausesABoundedAmountOfWork(t *testing.T) {
	hearing(t, func(l *line, heard map[gateway.Reason]int) {
		flood := time.After(10 * time.Second)
		for more := true; more; {
			select {
			case l.arrive <- datagram{router, octets(t, "00 80 0000 00000003 0b160002")}:
			case <-flood:
				more = false
			}
		}
		synctest.Wait()
		if n := heard[gateway.AddressChanged]; n > 11 || l.reads > 11*datagramsPerSecond+1 {
			t.Errorf("told %d times, %d datagrams read in 10 s, want 11 and %d at most", n, l.reads, 11*datagramsPerSecond+1)
		}
	})
}

func TestListenSharesItsPortAndHears(t *testing.T) {
	lo := loopback(t)
	first, err := join(lo, allHosts4, 0)
	if err != nil {
		t.Fatal(err)
	}
	port := first.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// Another program on this host, then we: the last one gets what is sent to one.
	for range 2 {
		conn, err := join(lo, allHosts4, port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		first = conn
	}
	announcer, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = announcer.Close() }()
	if _, err := announcer.Write(octets(t, "00 80 0000 00000003 0b160002")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	heard := false
	listen(ctx, first, netip.MustParseAddr("127.0.0.1"), func(gateway.Reason) { heard = true; cancel() })
	if !heard {
		t.Error("the announcement was not heard")
	}
}

// loopback is the name of the loopback interface.
func loopback(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Skip("no loopback interface")
	return ""
}

func TestListenNeedsAnInterface(t *testing.T) {
	for _, addr := range []string{"192.168.77.1", "fe80::1"} {
		if err := Listen(t.Context(), "no such one", netip.MustParseAddr(addr), func(gateway.Reason) {}); err == nil {
			t.Errorf("Listen for %s on no interface ends without an error", addr)
		}
	}
}
