package control

import (
	"crypto/tls"
	"errors"
	"net"

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
// It hears of no data connection.
func (l *library) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{
		Listener:               listener{l.Front},
		Banner:                 l.cfg.Load().Banner,
		IdleTimeout:            -1, // the front's
		DisableActiveMode:      true,
		DisableASCIIConversion: true,
	}, nil
}

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
	if start == "/" {
		return start
	}
	if info, err := s.home.Stat(start); err != nil || !info.IsDir() {
		return "/"
	}
	return start
}

// GetTLSConfig refuses: TLS is the front's.
func (l *library) GetTLSConfig() (*tls.Config, error) { return nil, errors.New("no TLS here") }

// address is the client's address as the library sees it, and leads every hook of
// the library to the session.
type address struct {
	net.Addr
	session *session
}
