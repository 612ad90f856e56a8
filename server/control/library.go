package control

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// library is what ftpserverlib sees of us: its main driver.
type library struct{ *Front }

// listener is the Front as the library's net.Listener: the library's Stop closes
// it, which must not recurse into Front.Close.
type listener struct{ *Front }

func (listener) Close() error   { return nil }
func (listener) Addr() net.Addr { return &net.TCPAddr{} }

// errLoggedOut never reaches a client: the front hands on no login that the
// accounts did not grant.
var errLoggedOut = errors.New("not logged in")

// GetSettings gives the library no say in anything that the front decides.
//
// With port multiplexing the library opens one listening port of its own, on
// which it drops everybody: nobody is told of it. Without, it would open one for
// each EPSV.
func (l *library) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{
		Listener:                        listener{l.Front},
		Banner:                          l.cfg.Load().Banner,
		IdleTimeout:                     -1, // the front's
		PassiveTransferPortRange:        stubPort{},
		PassiveTransferPortMultiplexing: true,
		PasvConnectionsCheck:            ftpserver.IPMatchDisabled, // channel.Accept has checked
		DisableActiveMode:               true,                      // the front's
	}, nil
}

// stubPort makes the library listen on a port of the system's choice, once, and
// take the number for its 229 reply from channel.Addr.
type stubPort struct{}

func (stubPort) FetchNext() (exposed, listened int, ok bool) { return 0, 0, true }
func (stubPort) NumberAttempts() int                         { return 1 }

// ClientConnected greets.
func (l *library) ClientConnected(ftpserver.ClientContext) (string, error) {
	return l.cfg.Load().Banner, nil
}

// ClientDisconnected: the session's Close does what is to do.
func (l *library) ClientDisconnected(ftpserver.ClientContext) {}

// AuthUser hands over the home of a session that the front logged in.
func (l *library) AuthUser(cc ftpserver.ClientContext, _, _ string) (ftpserver.ClientDriver, error) {
	if a, ok := cc.RemoteAddr().(address); ok && a.session.home != nil {
		a.session.ctx = cc
		cc.SetPath(a.session.start())
		return home{a.session.home, a.session}, nil
	}
	return nil, errLoggedOut
}

// start is the folder that the login begins in; the home itself when the one
// that the operator named is missing.
func (s *session) start() string {
	start := s.account.Start()
	if info, err := s.home.Stat(start); err != nil || !info.IsDir() {
		return "/"
	}
	return start
}

// GetTLSConfig refuses: TLS is the front's.
func (l *library) GetTLSConfig() (*tls.Config, error) { return nil, errors.New("no TLS here") }

// WrapPassiveListener gives the library a channel for its reserved stub. The
// token in its address comes back in the library's 229 reply and tells whose it
// is.
func (l *library) WrapPassiveListener(stub net.Listener) (net.Listener, error) {
	c := &channel{stub: stub, token: l.tokens.Add(1)}
	l.channels.Store(c.token, c)
	return c, nil
}

// claim finds the channel that a 229 reply of the library names.
func (f *Front) claim(r reply) *channel {
	number := strings.TrimSuffix(strings.TrimPrefix(r.text[0], "Entering Extended Passive Mode (|||"), "|)")
	token, err := strconv.ParseUint(number, 10, 64)
	if r.code != 229 || err != nil {
		return nil
	}
	c, ok := f.channels.LoadAndDelete(token)
	if !ok {
		return nil
	}
	return c.(*channel)
}

// channel is the library's passive listener: its one connection is whatever
// data connection the session has arranged with its client by then.
type channel struct {
	stub    net.Listener // the library's reservation, given back on Close
	token   uint64
	session *session // set before the library can Accept
}

// Accept opens the session's data connection.
func (c *channel) Accept() (net.Conn, error) { return c.session.openData() }

// Close gives the library's reservation back.
func (c *channel) Close() error { return c.stub.Close() }

// Addr carries the token in the place of the port.
func (c *channel) Addr() net.Addr { return &net.TCPAddr{Port: int(c.token)} }

// address is the client's address as the library sees it: a text that is an IP
// address, since the library parses it, and that is new at every look, since the
// library keeps reservations by it. Out of the discard prefix (RFC 6666).
type address struct {
	session *session
	serial  uint64
}

func (address) Network() string { return "tcp" }

func (a address) String() string {
	b := [16]byte{0: 0x01}
	for i := range 8 {
		b[15-i] = byte(a.serial >> (8 * i))
	}
	return netip.AddrPortFrom(netip.AddrFrom16(b), 1).String()
}
