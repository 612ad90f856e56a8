package control_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Data connections, and TLS.

// pasv and epsv ask for a passive data connection and make it.
func (c *client) pasv() net.Conn {
	c.t.Helper()
	return c.dial(pasvAddr(c.t, c.cmd("PASV", "227 Entering Passive Mode (")))
}

func pasvAddr(t testing.TB, reply string) string {
	t.Helper()
	var h [4]byte
	var p [2]int
	_, rest, _ := strings.Cut(reply, "(")
	if _, err := fmt.Sscanf(rest, "%d,%d,%d,%d,%d,%d)", &h[0], &h[1], &h[2], &h[3], &p[0], &p[1]); err != nil {
		t.Fatalf("%q: %v", reply, err)
	}
	return netip.AddrPortFrom(netip.AddrFrom4(h), uint16(p[0]<<8|p[1])).String()
}

func (c *client) epsv() net.Conn {
	c.t.Helper()
	return c.dial(c.epsvAddr())
}

func (c *client) epsvAddr() string {
	c.t.Helper()
	var port int
	reply := c.cmd("EPSV", "229 Entering Extended Passive Mode (|||")
	_, rest, _ := strings.Cut(reply, "(")
	if _, err := fmt.Sscanf(rest, "|||%d|)", &port); err != nil {
		c.t.Fatalf("%q: %v", reply, err)
	}
	host, _, _ := net.SplitHostPort(c.conn.RemoteAddr().String())
	return net.JoinHostPort(host, fmt.Sprint(port))
}

func (c *client) dial(addr string) net.Conn {
	c.t.Helper()
	return c.dialFrom(addr, "")
}

// dialFrom connects from an address of ours; "" is any.
func (c *client) dialFrom(addr, from string) net.Conn {
	c.t.Helper()
	d := dialFrom(c.t, addr, from)
	d.SetDeadline(time.Now().Add(patience))
	return d
}

func dialFrom(t testing.TB, addr, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// raw and halfOpen connect to the control ports from an address of ours, and say
// nothing; where the second leads TLS is spoken from the first byte.
func (s *service) raw(from string) net.Conn {
	s.t.Helper()
	return dialFrom(s.t, s.addr.String(), from)
}

func (s *service) halfOpen(from string) net.Conn {
	s.t.Helper()
	return dialFrom(s.t, s.ftps.String(), from)
}

// port offers an active data connection by the command that name makes of our
// address.
func (c *client) port(name string) net.Listener {
	c.t.Helper()
	host, _, _ := net.SplitHostPort(c.conn.LocalAddr().String())
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { l.Close() })
	c.cmd(portCommand(name, l.Addr().(*net.TCPAddr).AddrPort()), "200")
	return l
}

func portCommand(name string, a netip.AddrPort) string {
	if name == "EPRT" {
		family := 2
		if a.Addr().Unmap().Is4() {
			family = 1
		}
		return fmt.Sprintf("EPRT |%d|%s|%d|", family, a.Addr().Unmap().WithZone(""), a.Port())
	}
	h := a.Addr().Unmap().As4()
	return fmt.Sprintf("PORT %d,%d,%d,%d,%d,%d", h[0], h[1], h[2], h[3], a.Port()>>8, a.Port()&0xff)
}

// download runs a command that sends, over an open data connection.
func (c *client) download(command string, d io.Reader) string {
	c.t.Helper()
	c.cmd(command, "150")
	got, err := io.ReadAll(d)
	if err != nil {
		c.t.Fatalf("%s: %v", command, err)
	}
	c.expect("226")
	return string(got)
}

// loginTLS is a client that is alice, under TLS with its data connections.
func (s *service) loginTLS() *client {
	s.t.Helper()
	c := s.connect()
	c.secure()
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230")
	c.cmd("PBSZ 0", "200")
	c.cmd("PROT P", "200")
	return c
}

// open makes a data connection as the control connection is, clear or TLS.
func (c *client) open() net.Conn {
	c.t.Helper()
	return c.wrap(c.epsv())
}

// wrap makes TLS of a data connection where the control connection is.
func (c *client) wrap(d net.Conn) net.Conn {
	if _, ok := c.conn.(*tls.Conn); ok {
		return tls.Client(d, c.s.tls)
	}
	return d
}

// upload sends content by a command whose 150 reply is wanted so.
func (c *client) upload(command, content, want string) {
	c.t.Helper()
	d := c.open()
	c.send(command + "\r\n")
	if got := c.reply(); !fits(got, want, false) {
		c.t.Errorf("%s: got %q, want %q", command, got, want)
	}
	if _, err := d.Write([]byte(content)); err != nil {
		c.t.Fatal(err)
	}
	d.Close()
	c.expect("226")
}

// tlsPair is a server's and a client's configuration that fit.
func tlsPair(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"natftpd.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(cryptorand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: roots, ServerName: "natftpd.test", ClientSessionCache: tls.NewLRUClientSessionCache(8)}
}
