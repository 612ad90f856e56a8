// Package model tests the server in this process, where it can be watched: many
// clients at once against a model of the tree that they change, and homes under
// attack by somebody who swaps their folders for links. It knows the server by
// its Config and by the network; nothing of the command line or of routers.
package model

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/server"
)

const (
	user     = "alice"
	password = "correct horse"
	// quickHash is the password's, by bcrypt at its lowest cost.
	quickHash = "$2a$04$I8Rik3WDjCpSRGCH1tIpOOU95w6LicYW4yQlk/49OGfD39fgS.pAi"
	// passivePorts is how many there are.
	passivePorts = 16
)

// long says that there is time for all of it.
func long() bool { return os.Getenv("NATLAB_LONG") == "1" }

// service is a server on loopback with one account.
type service struct {
	addr     netip.AddrPort
	home     string
	atomic   bool // uploads
	accounts *driver.Accounts
	sessions *driver.Sessions
	tls      *tls.Config // a client's
}

// serve starts a server that ends with the test.
func serve(t *testing.T, atomic bool) *service {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	log := slog.New(slog.DiscardHandler)
	accounts, err := driver.NewAccounts(
		[]driver.User{{Name: user, Password: quickHash, Home: home, Access: driver.ReadWrite}},
		driver.Files{Atomic: atomic, KeepPartial: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	channel, _, err := server.TLS("", "", t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{home: home, atomic: atomic, accounts: accounts, sessions: driver.NewSessions(driver.Limits{}), tls: &tls.Config{
		InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(0), // the certificate is self-signed
	}}
	running := listen(t, server.Config{
		Log: log, Listen: "127.0.0.1:0", ActiveMode: true, IdleTimeout: time.Minute, DataTimeout: 20 * time.Second,
		TLS: channel, Accounts: accounts, Sessions: s.sessions, DrainTimeout: time.Second,
	})
	s.addr = running.Addr()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return s
}

// listen opens a server's ports where passive ones are free.
func listen(t *testing.T, cfg server.Config) *server.Server {
	t.Helper()
	const tries = 50
	var errs []error
	for range tries {
		cfg.PassiveFirst = uint16(20000 + rand.IntN(12000)) // below those that the system hands out
		cfg.PassiveLast = cfg.PassiveFirst + passivePorts - 1
		status := &natdiscovery.Status{}
		for port := cfg.PassiveFirst; port <= cfg.PassiveLast; port++ {
			status.Inside = append(status.Inside, port)
		}
		cfg.Status = func() *natdiscovery.Status { return status }
		s := server.New(cfg)
		err := s.Listen()
		if err == nil {
			return s
		}
		errs = append(errs, err)
	}
	t.Fatal(errors.Join(errs...))
	return nil
}
