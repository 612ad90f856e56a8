//go:build linux

package lab

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Line is what packets meet between the server's router and the internet, each way
// the same.
type Line struct {
	// Delay is of one way: half of the round trip.
	Delay time.Duration
	// Rate is in bytes a second. Packets wait for it, as long as a round trip and a
	// little more; those who would wait longer are dropped.
	Rate int64
	// Loss is the share of the packets that is lost on the way, by chance.
	Loss float64
}

// queue is how long packets wait at least before one is dropped.
const queue = 50 * time.Millisecond

// Stretch makes the line of the server's router such a one until the test ends. It is
// ours and not the kernel's netem, which many kernels lack: packets are taken from the
// router's cable and put into another when their time has come. Which are lost is
// the same in each run.
func (l *Lab) Stretch(t testing.TB, line Line) {
	t.Helper()
	// Nobody may put packets together, or many would count as one; and a checksum left
	// to the network card never comes into being.
	for _, h := range []*Host{l.Internet, l.wires, l.Router.Host, l.Server} {
		h.Run(t, "sh", "-c", apart)
	}
	cable := nic{host: l.Router.Host, name: "wan"}.port()
	const near, far = "line-near", "line-far"
	ipBatch(t, []string{
		"link add " + near + " type veth peer name " + far,
		"link set " + near + " up", "link set " + far + " master inet up", "link set " + cable + " nomaster",
	}, "-n", l.wires.namespace)
	t.Cleanup(func() {
		ipBatch(t, []string{"link set " + cable + " master inet", "link del " + near}, "-n", l.wires.namespace)
	})
	l.wires.Run(t, "sh", "-c", apart)
	home, internet := l.wires.tap(t, cable), l.wires.tap(t, near)
	var all sync.WaitGroup
	t.Cleanup(func() {
		home.Close()
		internet.Close()
		all.Wait()
	})
	for i, way := range [][2]*os.File{{home, internet}, {internet, home}} {
		w := newWay(line, uint64(i))
		all.Go(func() { w.take(way[0]) })
		all.Go(func() { w.give(way[1]) })
		t.Cleanup(func() {
			if n := w.overflowed.Load(); n > 0 {
				t.Logf("line: way %d dropped %d packets for which it had no room", i, n)
			}
		})
	}
}

// apart ends what puts packets together, and leaves no checksum open.
const apart = `for device in $(ls /sys/class/net | grep -v "^lo$"); do ethtool -K $device tso off gso off gro off tx off >/dev/null || true; done`

// tap is where the frames of an interface of the host are read and written (packet(7)).
func (h *Host) tap(t testing.TB, device string) *os.File {
	t.Helper()
	const room = 16 << 20 // for what comes while we are not scheduled
	all := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8
	var fd int
	err := h.inside(func() (err error) {
		at, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: at.Index}),
		)
	})
	if err != nil {
		t.Fatalf("listen to the frames of %s: %v", device, err)
	}
	return os.NewFile(uintptr(fd), device)
}

// way is one direction of a line.
type way struct {
	line   Line
	chance *rand.Rand
	moving chan packet
	// free is when the line has sent all that it was given.
	free       time.Time
	overflowed atomic.Int64
}

type packet struct {
	frame []byte
	due   time.Time
}

func newWay(line Line, seed uint64) *way {
	const packets = 1 << 16                                                                             // more than wait and fly at any rate of the lab
	return &way{line: line, chance: rand.New(rand.NewPCG(seed, 1)), moving: make(chan packet, packets)} //nolint:gosec // chance, not a secret
}

// take reads frames and decides when they arrive, if they do.
func (w *way) take(from *os.File) {
	defer close(w.moving)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return // closed
		}
		if due, ok := w.admit(time.Now(), n); ok {
			w.moving <- packet{append([]byte(nil), buf[:n]...), due}
		}
	}
}

// admit says when a packet of so many bytes arrives; false: never.
func (w *way) admit(now time.Time, size int) (due time.Time, arrives bool) {
	if w.chance.Float64() < w.line.Loss {
		return due, false
	}
	if w.free.Before(now) {
		w.free = now
	}
	if w.free.Sub(now) > 2*w.line.Delay+queue {
		w.overflowed.Add(1)
		return due, false
	}
	w.free = w.free.Add(time.Duration(int64(size) * int64(time.Second) / w.line.Rate))
	return w.free.Add(w.line.Delay), true
}

// give writes the frames when they are due.
func (w *way) give(to *os.File) {
	for one := range w.moving {
		if wait := time.Until(one.due); wait > 0 {
			<-time.After(wait)
		}
		_, _ = to.Write(one.frame) // a network that is not there loses it
	}
}
