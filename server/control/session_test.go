package control_test

import (
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"natftpd/server/control"
)

func TestEveryWayOfMakingADataConnectionCarriesATransfer(t *testing.T) {
	s := serve(t, nil)
	ways := map[string]func(c *client) func() net.Conn{
		"PASV": func(c *client) func() net.Conn { d := c.pasv(); return func() net.Conn { return d } },
		"EPSV": func(c *client) func() net.Conn { d := c.epsv(); return func() net.Conn { return d } },
		"PORT": func(c *client) func() net.Conn { return accept(c, c.port("PORT")) },
		"EPRT": func(c *client) func() net.Conn { return accept(c, c.port("EPRT")) },
	}
	content := strings.Repeat("natftpd ", 100_000)
	for way, arrange := range ways {
		for _, secured := range []bool{false, true} {
			name := way
			if secured {
				name += " with TLS"
			}
			t.Run(name, func(t *testing.T) {
				c := s.connect()
				c.t = t
				if secured {
					c.secure()
				}
				c.cmd("USER alice", "331")
				c.cmd("PASS secret", "230")
				if secured {
					c.cmd("PBSZ 0", "200")
					c.cmd("PROT P", "200")
				}
				c.cmd("TYPE I", "200")
				channel := func(d net.Conn) net.Conn {
					if secured {
						return tls.Client(d, s.tls)
					}
					return d
				}
				file := "of " + name
				get := arrange(c)
				c.cmd("STOR "+file, "150")
				d := channel(get())
				if _, err := d.Write([]byte(content)); err != nil {
					t.Fatal(err)
				}
				d.Close()
				c.expect("226")
				if got := s.stored(file); got != content {
					t.Errorf("stored %d bytes, want %d", len(got), len(content))
				}
				get = arrange(c)
				c.send("RETR " + file + "\r\n")
				c.expect("150")
				if got := readAll(t, channel(get())); got != content {
					t.Errorf("downloaded %d bytes, want %d", len(got), len(content))
				}
				c.expect("226")
				get = arrange(c)
				c.send("LIST\r\n")
				c.expect("150")
				if got := readAll(t, channel(get())); !strings.Contains(got, file) {
					t.Errorf("the listing has no %q: %q", file, got)
				}
				c.expect("226")
			})
		}
	}
}

// accept waits for the server's connection when it is needed.
func accept(c *client, l net.Listener) func() net.Conn {
	return func() net.Conn {
		c.t.Helper()
		l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		d, err := l.Accept()
		if err != nil {
			c.t.Fatal(err)
		}
		c.t.Cleanup(func() { d.Close() })
		return d
	}
}

func readAll(t testing.TB, d net.Conn) string {
	t.Helper()
	d.SetDeadline(time.Now().Add(patience))
	var all strings.Builder
	buf := make([]byte, 32<<10)
	for {
		n, err := d.Read(buf)
		all.Write(buf[:n])
		if err != nil {
			return all.String()
		}
	}
}

func TestDataConnectionsResumeTheTLSSessionOfTheControlConnection(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("x"))
	c := s.loginTLS()
	d := c.epsv()
	c.cmd("RETR f", "150")
	channel := tls.Client(d, s.tls)
	if err := channel.Handshake(); err != nil {
		t.Fatal(err)
	}
	if !channel.ConnectionState().DidResume {
		t.Error("the session was not resumed")
	}
	readAll(t, channel)
	c.expect("226")
}

func TestIPv6(t *testing.T) {
	for name, host := range map[string]string{"by loopback": "::1", "by a link-local address": linkLocal(t)} {
		t.Run(name, func(t *testing.T) {
			if host == "" {
				t.Skip("this host has none")
			}
			testIPv6(t, host)
		})
	}
}

// linkLocal is an IPv6 address of this host with its zone, or "".
func linkLocal(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast() && i.Flags&net.FlagRunning != 0 {
				return n.IP.String() + "%" + i.Name
			}
		}
	}
	return ""
}

func testIPv6(t *testing.T, host string) {
	s := serve(t, nil)
	s.write("f", []byte("over IPv6"))
	c := s.connectTo("tcp", net.JoinHostPort(host, portOf(s.addr.String())))
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230")
	if got := c.cmd("PASV", "522"); !strings.Contains(got, "EPSV") {
		t.Errorf("PASV: %q does not name EPSV", got)
	}
	if got := c.download("RETR f", c.epsv()); got != "over IPv6" {
		t.Errorf("EPSV: got %q", got)
	}
	get := accept(c, c.port("EPRT"))
	c.cmd("RETR f", "150")
	if got := readAll(t, get()); got != "over IPv6" {
		t.Errorf("EPRT: got %q", got)
	}
	c.expect("226")
	c.cmd("PORT 127,0,0,1,200,200", "504")
	c.cmd("EPSV 1", "522")
	c.cmd("EPSV 2", "229")
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

func TestPASVNamesTheAdvertisedAddressAndAUsablePort(t *testing.T) {
	var usable []uint16
	var client, local netip.Addr
	s := serve(t, func(cfg *control.Config) {
		cfg.Advertise = func(c, l netip.Addr) control.Advice {
			client, local = c, l
			return control.Advice{Addr: netip.MustParseAddr("198.51.100.7"), Ports: usable, Outside: true}
		}
	})
	c := s.login()
	if got := c.cmd("PASV", "425"); !strings.Contains(got, "router") {
		t.Errorf("no port is open yet: %q", got)
	}
	usable = s.ports[1:2]
	want := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), s.ports[1]).String()
	if got := pasvAddr(t, c.cmd("PASV", "227")); got != want {
		t.Errorf("PASV names %s, want %s", got, want)
	}
	if want := netip.MustParseAddr("127.0.0.1"); client != want || local != want {
		t.Errorf("asked for client %s, local %s; want %s for both", client, local, want)
	}
}

func TestASecondDataConnectionReplacesTheFirst(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("content"))
	c := s.login()
	for range 5 * len(s.ports) { // more than there are ports: none is lost
		c.cmd("PASV", "227")
		c.cmd("EPSV", "229")
		c.port("PORT").Close()
	}
	if got := c.download("RETR f", c.pasv()); got != "content" {
		t.Errorf("got %q", got)
	}
}

func TestADataConnectionSurvivesARefusedTransfer(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("content"))
	c := s.login()
	d := c.pasv()
	c.cmd("RETR missing", "550")
	if got := c.download("RETR f", d); got != "content" {
		t.Errorf("got %q", got)
	}
	c.cmd("RETR f", "425") // it served one transfer
}

func TestRepliesCarryFTPPathsOnly(t *testing.T) {
	s := serve(t, nil)
	s.write("f", nil)
	if err := os.Mkdir(filepath.Join(s.home, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := s.login()
	for _, command := range []string{"CWD nowhere", "RMD nowhere", "DELE nowhere", "RNFR nowhere", "SIZE nowhere", "MDTM nowhere",
		"MKD dir", "DELE dir", "RMD f", "SITE CHMOD 600 nowhere", "MFMT 20200101000000 nowhere", "MLST nowhere", "STAT nowhere"} {
		c.send(command + "\r\n")
		got := c.reply()
		if got[0] != '4' && got[0] != '5' {
			t.Errorf("%s: %q is no refusal", command, got)
		}
		for _, secret := range []string{s.home, os.TempDir(), "driver error", "file access error"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s: %q tells %q", command, got, secret)
			}
		}
	}
	for _, command := range []string{"RETR nowhere", "LIST nowhere", "NLST nowhere", "MLSD nowhere", "STOR nowhere/f", "RETR dir"} {
		c.pasv()
		c.send(command + "\r\n")
		if got := c.reply(); (got[0] != '4' && got[0] != '5') || strings.Contains(got, s.home) || strings.Contains(got, "driver error") {
			t.Errorf("%s: %q", command, got)
		}
	}
}

func TestMKDNamesThePathFirst(t *testing.T) {
	c := serve(t, nil).login()
	if got, want := c.cmd("MKD new", "257"), `257 "/new" created.`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFEATListsTheExtensions(t *testing.T) {
	c := serve(t, nil).connect()
	got := c.cmd("FEAT", "211-")
	for _, want := range []string{"\r\n AUTH TLS\r\n", "\r\n EPSV\r\n", "\r\n UTF8\r\n", "\r\n MLST type*;size*;modify*;perm*;unique*;UNIX.mode*;\r\n", "\r\n211 End."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q has no %q", got, want)
		}
	}
}

func TestQuitWaitsForItsTurnAndHangsUp(t *testing.T) {
	c := serve(t, nil).login()
	c.send("NOOP\r\nPWD\r\nQUIT\r\n")
	c.expect("200")
	c.expect(`257 "/"`)
	c.expect("221")
	c.ended()
}
