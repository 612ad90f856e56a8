package cmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"natftpd/conf"
	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/server"
)

// running is a server's part that a reload changes, with a configuration file.
type running struct {
	*reloader
	file string
	port uint16 // of control connections; the next one is for data
	log  bytes.Buffer
}

func startRunning(t *testing.T) *running {
	t.Helper()
	t.Chdir(t.TempDir())
	r := &running{file: filepath.Join(t.TempDir(), "natftpd.yaml"), port: freePorts(t)}
	r.write(t, r.ftp("")+aliceAlone)
	p := &program{config: r.file, err: t.Output()}
	loaded, err := p.load()
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := driver.NewAccounts(usersOf(loaded), driver.Files{})
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	bans, err := bansOf(loaded.Bans, state, log)
	if err != nil {
		t.Fatal(err)
	}
	r.reloader = &reloader{
		load: p.load, inForce: loaded, users: usersOf(loaded), stateDir: state, log: log,
		accounts: accounts, sessions: driver.NewSessions(limitsOf(loaded.FTP)), bans: bans,
		events: newEvents(log), level: new(slog.LevelVar), public: func() {},
	}
	r.serve(t)
	return r
}

// serve runs the service of the configuration in force.
func (r *running) serve(t *testing.T) {
	t.Helper()
	r.serving = serviceOf(server.Config{
		Log: slog.New(slog.DiscardHandler), Accounts: r.accounts, Sessions: r.sessions, Bans: r.bans,
		Status: func() *natdiscovery.Status { return r.discovery.Status() },
	}, r.inForce.Config, nil)
	r.service = server.New(r.serving)
	if err := r.service.Listen(); err != nil {
		t.Fatal(err)
	}
	r.segments = newSegments(r.inForce.NAT.MaxSegmentSize, r.service.LimitSegments, r.reloader.log)
	r.discovery = natdiscovery.New(lookingOf(r.inForce.Config, r.service, r.stateDir, r.reloader.log))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if _, err := greets(t.Context(), r.service.Addr().String()); err != nil {
		t.Fatal(err)
	}
}

// freePorts is the first of two ports below those that the system hands out by
// itself.
func freePorts(t *testing.T) uint16 {
	t.Helper()
	for range 50 {
		first := uint16(20000 + rand.IntN(12000))
		a, errA := net.Listen("tcp", fmt.Sprintf(":%d", first))
		b, errB := net.Listen("tcp", fmt.Sprintf(":%d", first+1))
		for _, l := range []net.Listener{a, b} {
			if l != nil {
				l.Close()
			}
		}
		if errA == nil && errB == nil {
			return first
		}
	}
	t.Fatal("no two ports are free")
	return 0
}

// ftp is what a configuration begins with: the ports, further keys of the section
// ftp, and a network that is left alone.
func (r *running) ftp(more string) string {
	return fmt.Sprintf("ftp: {listen: \"127.0.0.1:%d\", passive_ports: %d-%d%s}\nnat: {port_mapping: off, stun_servers: []}\n", r.port, r.port+1, r.port+1, more)
}

func (r *running) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logsIn tells whether a name and a password are good for a login.
func (r *running) logsIn(t *testing.T, name, password string) bool {
	t.Helper()
	_, err := r.accounts.Login(t.Context(), driver.Attempt{Name: name, Password: password})
	if err != nil && !errors.Is(err, driver.ErrLogin) {
		t.Fatal(err)
	}
	return err == nil
}

const aliceAlone = "users: [{name: alice, password: old, home: a}]\n"

func TestAReloadPutsUsersInForce(t *testing.T) {
	r := startRunning(t)
	r.write(t, r.ftp(", max_sessions: 5, idle_timeout: 1m")+"users: [{name: alice, password: new, home: a}, {name: bob, password: his, home: b}]\n")
	r.reload()
	for who, want := range map[[2]string]bool{{"alice", "old"}: false, {"alice", "new"}: true, {"bob", "his"}: true} {
		if got := r.logsIn(t, who[0], who[1]); got != want {
			t.Errorf("login of %s with %q: got %t, want %t", who[0], who[1], got, want)
		}
	}
	for _, want := range []string{
		`msg="configuration changed" key=ftp.max_sessions old=250 new=5`,
		`msg="configuration changed" key=ftp.idle_timeout old=15m new=1m`,
		`msg="configuration changed" key=users.alice.password`,
		`msg="configuration changed" key=users.bob`,
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &r.log)
		}
	}
}

func TestAReloadMovesTheServiceAndEndsNoSession(t *testing.T) {
	r := startRunning(t)
	before := r.service.Addr()
	conn, err := net.Dial("tcp", before.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r.port = freePorts(t)
	r.write(t, r.ftp(", data_timeout: 7s")+aliceAlone+"bans: {after: 3}\ntls: {mode: off}\nlog: {level: debug, format: json}\nstate_dir: elsewhere\n")
	r.reload()
	if got := r.service.Addr().Port(); got != r.port {
		t.Errorf("listens on port %d, want %d", got, r.port)
	}
	if _, err := greets(t.Context(), before.String()); err == nil {
		t.Errorf("port %d still greets", before.Port())
	}
	fmt.Fprint(conn, "NOOP\r\n")
	lines := bufio.NewReader(conn)
	for _, want := range []string{"220 ", "200 "} {
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		if got, err := lines.ReadString('\n'); !strings.HasPrefix(got, want) {
			t.Errorf("a session from before is told %q, %v; want %s", got, err, want)
		}
	}
	if r.level.Level() != slog.LevelDebug {
		t.Errorf("log level %v, want debug", r.level.Level())
	}
	for key, want := range map[string]string{
		"ftp.listen": "configuration changed", "ftp.passive_ports": "configuration changed", "ftp.data_timeout": "configuration changed",
		"bans.after": "configuration changed", "tls.mode": "configuration changed", "log.level": "configuration changed",
		"log.format": "waits for the next start", "state_dir": "waits for the next start",
	} {
		if !slices.ContainsFunc(strings.Split(r.log.String(), "\n"), func(line string) bool {
			return strings.Contains(line, want+`" key=`+key+" ")
		}) {
			t.Errorf("the log lacks %s: %s\n%s", want, key, &r.log)
		}
	}
}

func TestABrokenConfigurationLeavesTheOldOneInForce(t *testing.T) {
	foreign, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	const other = "users: [{name: alice, password: new, home: a}]\n"
	tests := map[string]struct{ ftp, rest, mistake string }{
		"a mistake":                       {", active_mode: maybe", other, "ftp.active_mode"},
		"no users any more":               {"", "users: []\n", "nobody may log in"},
		"an owner unknown":                {", owner: nobody-of-that-name", other, "ftp.owner"},
		"a home that is none":             {"", "users: [{name: alice, password: new, home: /dev/null}]\n", "home /dev/null of user alice"},
		"a certificate that is none":      {"", other + "tls: {certificate: /dev/null, key: /dev/null}\n", "tls.certificate"},
		"a port that is taken":            {fmt.Sprintf(", listen_tls: %q", foreign.Addr()), other, "ftp.listen_tls"},
		"a transfer log that is a folder": {"", other + "log: {xferlog: /}\n", "transfer log: open /: is a directory; name a file that the server may write in log.xferlog"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := startRunning(t)
			r.write(t, r.ftp(test.ftp)+test.rest)
			r.reload()
			if !r.logsIn(t, "alice", "old") {
				t.Error("alice, as she was, cannot log in")
			}
			if log := r.log.String(); !strings.Contains(log, "the old one stays in force") || !strings.Contains(log, test.mistake) {
				t.Errorf("the log does not say that and why (%s):\n%s", test.mistake, log)
			}
		})
	}
	t.Run("a file that is gone", func(t *testing.T) {
		r := startRunning(t)
		r.load = func() (*conf.Loaded, error) { return conf.Load(conf.Source{Search: []string{}}) }
		r.reload()
		if !r.logsIn(t, "alice", "old") || !strings.Contains(r.log.String(), "put it back") {
			t.Errorf("want alice to log in as before, and the log to say what to do:\n%s", &r.log)
		}
	})
}
