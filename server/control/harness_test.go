package control_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"natftpd/driver"
	"natftpd/server/control"
	"natftpd/server/data"
)

// service is a running front with one account, alice with password secret, on
// loopback.
type service struct {
	t     testing.TB
	addr  *net.TCPAddr
	ftps  *net.TCPAddr // where TLS is spoken from the first byte
	home  string
	ports []uint16
	log   *logBuffer
	sess  *driver.Sessions
	front *control.Front
	tls   *tls.Config // a client's
}

// serve starts a service; change adjusts its configuration before.
func serve(t testing.TB, change func(*control.Config)) *service {
	t.Helper()
	return serveAs(t, driver.User{Access: driver.ReadWrite}, change)
}

// serveAs is serve for an alice who is somebody else.
func serveAs(t testing.TB, alice driver.User, change func(*control.Config)) *service {
	t.Helper()
	s := &service{t: t, home: filepath.Join(t.TempDir(), "home"), log: &logBuffer{}}
	alice.Name, alice.Password, alice.Home = "alice", quickHash, s.home
	accounts, err := driver.NewAccounts([]driver.User{alice}, driver.Files{})
	if err != nil {
		t.Fatal(err)
	}
	var ftp, ftps *net.TCPListener
	ftp, s.addr = listenControl(t)
	ftps, s.ftps = listenControl(t)
	server, client := tlsPair(t)
	s.tls = client
	s.sess = driver.NewSessions(driver.Limits{InAll: 50, PerAddress: 20})
	cfg := control.Config{
		Log:         slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Banner:      "natftpd ready.",
		Accounts:    accounts,
		Sessions:    s.sess,
		TLS:         server,
		ActiveMode:  true,
		IdleTimeout: time.Minute,
		DataTimeout: 10 * time.Second,
		Ports:       s.listen(4),
		Advertise: func(_, local netip.Addr) control.Advice {
			return control.Advice{Addr: local, Ports: s.ports}
		},
	}
	if change != nil {
		change(&cfg)
	}
	front := control.New(cfg)
	s.front = front
	var running errgroup.Group
	running.Go(front.Run)
	running.Go(func() error { return front.Serve(ftp) })
	if cfg.TLS != nil {
		running.Go(func() error { return front.ServeTLS(ftps) })
	}
	t.Cleanup(func() {
		ftp.Close()
		ftps.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.sess.Drain(ctx)
		front.Close()
		if err := running.Wait(); err != nil {
			t.Errorf("the service ended with %v", err)
		}
		if n := s.sess.Len(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
		cfg.Ports.Close()
	})
	return s
}

// listenControl opens a control port on every address, and tells the one to
// dial.
func listenControl(t testing.TB) (*net.TCPListener, *net.TCPAddr) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	return l, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.Addr().(*net.TCPAddr).Port}
}

// quickHash is bcrypt of "secret" at its lowest cost.
const quickHash = "$2a$04$ddPhG7hCnrejbJx36hMAM.TTQYJ4dkJM5V5DThqsICCo3xv95FH32"

// listen opens n consecutive passive ports.
func (s *service) listen(n int) *data.Ports {
	for range 100 {
		first := uint16(20000 + rand.IntN(40000))
		p, err := data.Listen("", first, first+uint16(n)-1, 30*time.Second, slog.New(slog.DiscardHandler))
		if err == nil {
			for i := range n {
				s.ports = append(s.ports, first+uint16(i))
			}
			return p
		}
	}
	s.t.Fatal("no free range of ports")
	return nil
}

func (s *service) write(name string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.home, name), content, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) mkdir(name string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Join(s.home, name), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// emptied waits until the server has noticed that every client is gone.
func (s *service) emptied() {
	s.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); s.sess.Len() > 0; {
		select {
		case <-tick.C:
		case <-end:
			s.t.Fatalf("%d sessions stay", s.sess.Len())
		}
	}
}

// client is a control connection that a test talks on by hand.
type client struct {
	t    testing.TB
	s    *service
	conn net.Conn
	r    *bufio.Reader
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// connect opens a control connection and reads the greeting.
func (s *service) connect() *client {
	s.t.Helper()
	return s.connectTo("tcp", s.addr.String())
}

func (s *service) connectTo(network, addr string) *client {
	s.t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return s.greeted(conn)
}

// connectTLS opens a control connection that is TLS from the first byte.
func (s *service) connectTLS() *client {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.ftps.String(), s.tls)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return s.greeted(conn)
}

func (s *service) greeted(conn net.Conn) *client {
	s.t.Helper()
	c := &client{t: s.t, s: s, conn: conn, r: bufio.NewReader(conn)}
	c.expect("220")
	return c
}

// login is a client that is alice.
func (s *service) login() *client {
	s.t.Helper()
	c := s.connect()
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230")
	return c
}

// send sends bytes as they are.
func (c *client) send(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, raw); err != nil {
		c.t.Fatalf("send %q: %v", raw, err)
	}
}

// reply reads one reply, of one line or many.
func (c *client) reply() string {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(patience))
	var all strings.Builder
	for code := ""; ; {
		text, err := c.r.ReadString('\n')
		all.WriteString(text)
		if err != nil {
			c.t.Fatalf("reply: %v after %q", err, all.String())
		}
		if !strings.HasSuffix(text, "\r\n") {
			c.t.Fatalf("a reply's line ends in %q", text)
		}
		if code == "" {
			code = text[:3]
		}
		if strings.HasPrefix(text, code+" ") {
			c.tellsNothing(all.String())
			return strings.TrimSuffix(all.String(), "\r\n")
		}
	}
}

// tellsNothing looks for what no reply ever tells: where the home lies on the
// disk, and words of the server's insides.
func (c *client) tellsNothing(reply string) {
	c.t.Helper()
	for _, secret := range []string{c.s.home, os.TempDir() + "/", "runtime error", "driver error", "network error", "file access error", "goroutine"} {
		if strings.Contains(reply, secret) {
			c.t.Errorf("a reply tells %q: %q", secret, reply)
		}
	}
}

// expect reads a reply that must begin with want.
func (c *client) expect(want string) string {
	c.t.Helper()
	got := c.reply()
	if !strings.HasPrefix(got, want) {
		c.t.Fatalf("got %q, want %q…", got, want)
	}
	return got
}

// cmd sends a command and expects its reply to begin with want.
func (c *client) cmd(command, want string) string {
	c.t.Helper()
	c.send(command + "\r\n")
	got := c.reply()
	if !strings.HasPrefix(got, want) {
		c.t.Fatalf("%s: got %q, want %q…", command, got, want)
	}
	return got
}

// ended waits for the server to hang up.
func (c *client) ended() {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(patience))
	if rest, err := io.ReadAll(c.r); err != nil && !strings.Contains(err.Error(), "reset") {
		c.t.Fatalf("not hung up: %v after %q", err, rest)
	}
}

// secure makes TLS of the control connection.
func (c *client) secure() {
	c.t.Helper()
	c.cmd("AUTH TLS", "234")
	channel := tls.Client(c.conn, c.s.tls)
	if err := channel.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.r = channel, bufio.NewReader(channel)
}

// stored is what is on the disk.
func (s *service) stored(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.home, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}
