//go:build linux

package integration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jlaffaye/ftp"

	"natftpd/integration/lab"
	"natftpd/integration/report"
)

const (
	// lineRate is in bytes a second: 100 Mbit/s, a good line of a home.
	lineRate = 100e6 / 8
	// linkStarts is how long a flow may take to find its pace, linkTime how long it is
	// then measured, linkRounds how often each.
	linkStarts = 3 * time.Second
	linkTime   = 4 * time.Second
	linkRounds = 3
	// linkGoal is what natftpd gets of what iperf3 does, at least.
	linkGoal  = 0.95
	iperfPort = 5201
)

// On long and lossy lines natftpd is as fast as a program that does nothing but send:
// with iperf3 it has the kernel's buffers and the same congestion control. Both are
// measured in turn, by what arrives at the receiver's network card. It takes minutes.
func TestLinks(t *testing.T) {
	if os.Getenv(performanceVariable) == "" && os.Getenv("NATLAB_LONG") == "" {
		t.Skip("takes minutes: make links")
	}
	lab.RequireTools(t, map[string]string{"iperf3": "iperf3"})
	l := lab.New(t, lab.Options{Forwarded: append([]string{strconv.Itoa(iperfPort)}, defaultPorts...)})
	s := serve(t, l.Server, 2121, l.STUN)
	lab.Await(t, stunNoticesWithin, func() error { return told(l.Internet, s.at(lab.WANAddr), lab.WANAddr) })
	iperf := lab.Start(t, "iperf3", l.Server.Command("iperf3", "-s", "--forceflush"))
	iperf.AwaitLog(t, startWithin, "listening")
	if err := sparse(filepath.Join(s.home, linkFile), 4<<30); err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, one := range []struct {
		name     string
		delay    time.Duration
		loss     float64
		sessions int
	}{
		{"30 ms", 15 * time.Millisecond, 0, 1},
		{"140 ms", 70 * time.Millisecond, 0, 1},
		// Chance decides what one flow gets on such a line: several even it out.
		{"30 ms, 1 % lost", 15 * time.Millisecond, 0.01, 4},
		{"140 ms, 1 % lost", 70 * time.Millisecond, 0.01, 4},
	} {
		t.Run(one.name, func(t *testing.T) {
			l.Stretch(t, lab.Line{Delay: one.delay, Rate: lineRate, Loss: one.loss})
			for _, upload := range []bool{false, true} {
				rows = append(rows, compareLink(t, l, s, one.name, one.sessions, upload)...)
			}
		})
	}
	if os.Getenv(performanceVariable) != "" && !t.Skipped() {
		text := report.Table([]string{"line", "load", "iperf3, Mbit/s", "natftpd, Mbit/s", "natftpd to iperf3"}, rows)
		text += fmt.Sprintf("\n%s", report.Here("make links"))
		if err := report.Replace(performancePage, "links", text); err != nil {
			t.Fatal(err)
		}
	}
}

// linkFile is larger than what a line carries meanwhile.
const linkFile = "endless.bin"

// sparse makes a file that takes no room.
func sparse(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(size)
}

// flow keeps a line busy until its context ends, or long enough. It calls begun for
// each of its connections that moves bytes.
type flow struct {
	connections int
	run         func(ctx context.Context, begun func()) error
}

// compareLink compares one direction of a line, in clear and over TLS.
func compareLink(t *testing.T, l *lab.Lab, s *server, line string, sessions int, upload bool) (rows [][]string) {
	t.Helper()
	receiver, load := l.Internet, "download"
	if upload {
		receiver, load = l.Server, "upload"
	}
	flows := []struct {
		name string
		flow
		got []float64
	}{
		{name: "iperf3", flow: iperfFlow(l, sessions, upload)},
		{name: load, flow: ftpFlow(l, s, sessions, upload, false)},
		{name: load + " by TLS", flow: ftpFlow(l, s, sessions, upload, true)},
	}
	for range linkRounds {
		for i := range flows {
			one, err := arrivalRate(t.Context(), receiver, flows[i].flow)
			if err != nil {
				t.Errorf("%s: %v", flows[i].name, err)
				return [][]string{{line, load, "-", "-", "**no figure**"}}
			}
			flows[i].got = append(flows[i].got, one)
		}
	}
	const megabit = 1e6 / 8
	want := middle(flows[0].got)
	for _, f := range flows[1:] {
		got := middle(f.got)
		text := fmt.Sprintf("%.2f", got/want)
		if got < linkGoal*want {
			t.Errorf("%s: got %.1f Mbit/s, want at least %.2f of the %.1f of iperf3", f.name, got/megabit, linkGoal, want/megabit)
			text += " **(missed)**"
		}
		t.Logf("%s: %s of iperf3 (%.1f Mbit/s)", f.name, text, want/megabit)
		name := f.name
		if sessions > 1 {
			name += fmt.Sprintf(", %d sessions", sessions)
		}
		rows = append(rows, []string{line, name, fmt.Sprintf("%.1f", want/megabit), fmt.Sprintf("%.1f", got/megabit), text})
	}
	return rows
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// arrivalRate is how many bytes a second reach the receiver once a flow has its pace.
func arrivalRate(ctx context.Context, receiver *lab.Host, f flow) (float64, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	ended, begun := make(chan error, 1), make(chan struct{}, f.connections)
	go func() { ended <- f.run(ctx, func() { begun <- struct{}{} }) }()
	for range f.connections {
		select {
		case <-begun:
		case err := <-ended:
			return 0, fmt.Errorf("no flow: %w", err)
		}
	}
	pass := func(d time.Duration) error {
		select {
		case err := <-ended:
			return fmt.Errorf("the flow ended early: %w", err)
		case <-time.After(d):
			return nil
		}
	}
	if err := pass(linkStarts); err != nil {
		return 0, err
	}
	began := time.Now()
	before, err := receivedBytes(receiver)
	if err != nil {
		return 0, err
	}
	if err := pass(linkTime); err != nil {
		return 0, err
	}
	after, err := receivedBytes(receiver)
	took := time.Since(began)
	end()
	<-ended // however it ends when it is cut off
	return float64(after-before) / took.Seconds(), err
}

func receivedBytes(h *lab.Host) (int64, error) {
	out, err := h.Try(h.Command("cat", "/sys/class/net/eth0/statistics/rx_bytes"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(out), 10, 64)
}

// iperfFlow ends by itself, somewhat later than it is measured.
func iperfFlow(l *lab.Lab, sessions int, upload bool) flow {
	return flow{1, func(_ context.Context, begun func()) error {
		const margin = 2 * time.Second
		args := []string{"-c", lab.WANAddr.String(), "-p", strconv.Itoa(iperfPort), "-P", strconv.Itoa(sessions),
			"-t", fmt.Sprint((linkStarts + linkTime + margin).Seconds())}
		if !upload {
			args = append(args, "-R")
		}
		begun()
		_, err := l.Internet.Try(l.Internet.Command("iperf3", args...))
		return err
	}}
}

func ftpFlow(l *lab.Lab, s *server, sessions int, upload, secure bool) flow {
	return flow{sessions, func(ctx context.Context, begun func()) error {
		errs := make([]error, sessions)
		var all sync.WaitGroup
		for i := range sessions {
			var once sync.Once
			all.Go(func() {
				errs[i] = ftpTransfer(ctx, l.Internet, s, fmt.Sprintf("upload-%d", i), upload, secure, func() { once.Do(begun) })
			})
		}
		all.Wait()
		return errors.Join(errs...)
	}}
}

// ftpTransfer moves bytes until the context ends.
func ftpTransfer(ctx context.Context, h *lab.Host, s *server, name string, upload, secure bool, begun func()) error {
	insecure := &tls.Config{InsecureSkipVerify: true, ServerName: "natftpd", ClientSessionCache: tls.NewLRUClientSessionCache(0)} //nolint:gosec // the certificate is self-signed
	control := true                                                                                                               // is dialled first, and upgraded by the library; data connections are not
	options := []ftp.DialOption{ftp.DialWithDialFunc(func(_, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, err
		}
		conn, err := h.Dial(to)
		if err == nil && secure && !control {
			conn = tls.Client(conn, insecure)
		}
		control = false
		return conn, err
	})}
	if secure {
		options = append(options, ftp.DialWithExplicitTLS(insecure))
	}
	c, err := ftp.Dial(s.at(lab.WANAddr).String(), options...)
	if err != nil {
		return err
	}
	defer c.Quit() //nolint:errcheck // it has served
	if err := c.Login(user, password); err != nil {
		return err
	}
	if upload {
		return c.Stor(name, until{ctx, begun})
	}
	r, err := c.Retr(linkFile)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := make([]byte, 256<<10)
	for ctx.Err() == nil {
		if _, err := r.Read(buf); err != nil {
			return err
		}
		begun()
	}
	return nil
}

// until is zeros until its context ends.
type until struct {
	ctx   context.Context
	begun func()
}

func (u until) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, io.EOF
	}
	u.begun()
	clear(b)
	return len(b), nil
}
