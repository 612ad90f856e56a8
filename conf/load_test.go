package conf_test

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"natftpd/conf"
)

// full sets every key, each in another way than its default.
const full = `
ftp:
  listen: "[::1]:21"
  listen_tls: :9990
  passive_ports: 40000 - 40004
  active_mode: false
  idle_timeout: 5m
  data_timeout: 90s
  max_sessions: 1
  max_sessions_per_ip: 2
  max_sessions_per_user: 3
  new_sessions_per_ip: 4
  upload: direct
  upload_sync: true
  keep_partial: 1h
  umask: "027"
  owner: ftp:1000
bans:
  after: 3
  time: 1m
  max_time: 2h
  exempt: [198.51.100.7, 10.0.0.0/8]
nat:
  external_address: home.example.org
  port_mapping: [upnp, nat-pmp]
  external_control_port: 990
  stun_servers: ["192.0.2.1:3478", "stun.example.org:3478"]
  lan_networks: [auto, 192.168.7.0/24, fd00::/8]
  address_overrides:
    - clients: 10.8.0.0/24
      address: local
    - {clients: 10.0.0.0/8, address: 10.0.0.1}
  lease: 0
  check_interval: 1m
  ipv6_pinholes: false
  max_segment_size: 1440
tls:
  mode: required
  certificate: cert.pem
  key: key.pem
users:
  - name: alice
    password: 0123
    home: /srv/ftp/alice
  - name: bob
    password: $argon2id$fine
    home: '#bob'
    access: upload-only
    start: /inbox
    quota: 1.5GiB
    max_rate: 500 kb
    allow_from: [lan, "2001:db8::/32"]
  - name: anonymous
    home: /srv/ftp/pub
status: {listen: "192.168.1.10:80", password: open sesame}
hooks:
  - {on: [upload, ban], command: [/bin/hook, --now], timeout: 5s}
  - {on: verdict, url: "https://example.org/a?b", secret: shared}
log: {level: debug, format: json, xferlog: /var/log/xferlog}
state_dir: /var/lib/natftpd
`

func TestEveryKeyOfAFileArrives(t *testing.T) {
	l := mustLoad(t, full)
	want := conf.Config{
		FTP: conf.FTP{Listen: "[::1]:21", ListenTLS: ":9990", PassivePorts: conf.PortRange{First: 40000, Last: 40004},
			IdleTimeout: 5 * time.Minute, DataTimeout: 90 * time.Second,
			MaxSessions: 1, MaxSessionsPerIP: 2, MaxSessionsPerUser: 3, NewSessionsPerIP: 4,
			Upload: conf.UploadDirect, UploadSync: true, KeepPartial: time.Hour,
			Umask: conf.Umask{Set: true, Mode: 0o027}, Owner: conf.Owner{User: "ftp", Group: "1000"}},
		Bans: conf.Bans{After: 3, Time: time.Minute, MaxTime: 2 * time.Hour, Exempt: conf.Clients{Prefixes: []netip.Prefix{
			netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("10.0.0.0/8")}}},
		NAT: conf.NAT{
			ExternalAddress:     conf.ExternalAddress{Host: "home.example.org"},
			PortMapping:         conf.PortMapping{Methods: []string{"upnp", "nat-pmp"}},
			ExternalControlPort: 990,
			STUNServers:         []string{"192.0.2.1:3478", "stun.example.org:3478"},
			LANNetworks: conf.LANNetworks{Auto: true, Prefixes: []netip.Prefix{
				netip.MustParsePrefix("192.168.7.0/24"), netip.MustParsePrefix("fd00::/8")}},
			AddressOverrides: []conf.AddressOverride{
				{Clients: netip.MustParsePrefix("10.8.0.0/24"), Local: true},
				{Clients: netip.MustParsePrefix("10.0.0.0/8"), Addr: netip.MustParseAddr("10.0.0.1")},
			},
			CheckInterval: time.Minute, MaxSegmentSize: conf.SegmentSize{Bytes: 1440},
		},
		TLS: conf.TLS{Mode: conf.TLSRequired, Certificate: "cert.pem", Key: "key.pem"},
		Users: []conf.User{
			{Name: "alice", Password: "0123", Home: "/srv/ftp/alice", Access: conf.ReadWrite, Start: "/"},
			{Name: "bob", Password: "$argon2id$fine", Home: "#bob", Access: conf.UploadOnly, Start: "/inbox", Quota: 3 << 29, MaxRate: 500_000,
				AllowFrom: conf.Clients{LAN: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}}},
			{Name: conf.Anonymous, Home: "/srv/ftp/pub", Access: conf.ReadOnly, Start: "/"},
		},
		Status: conf.Status{Listen: "192.168.1.10:80", Password: "open sesame"},
		Hooks: []conf.Hook{
			{On: []string{"upload", "ban"}, Command: []string{"/bin/hook", "--now"}, Timeout: 5 * time.Second},
			{On: []string{"verdict"}, URL: "https://example.org/a?b", Secret: "shared", Timeout: 30 * time.Second},
		},
		Log:      conf.Log{Level: slog.LevelDebug, Format: "json", Xferlog: "/var/log/xferlog"},
		StateDir: "/var/lib/natftpd",
	}
	if !reflect.DeepEqual(l.Config, want) {
		t.Errorf("got  %+v\nwant %+v", l.Config, want)
	}
	if l.Path != "natftpd.yaml" || l.NoUsers {
		t.Errorf("got path %q and NoUsers %t, want natftpd.yaml and users", l.Path, l.NoUsers)
	}
}

func TestWithoutFileAndUserTheDefaultsAreInForce(t *testing.T) {
	l := mustLoad(t, "")
	if !l.NoUsers || l.Path != "" || len(l.Warnings) > 0 {
		t.Errorf("got NoUsers %t, path %q, warnings %q; want no users, no file, no warnings", l.NoUsers, l.Path, l.Warnings)
	}
	want := conf.FTP{Listen: ":2121", PassivePorts: conf.PortRange{First: 50000, Last: 50009}, ActiveMode: true,
		IdleTimeout: 15 * time.Minute, DataTimeout: 30 * time.Second,
		MaxSessions: 250, MaxSessionsPerIP: 20, MaxSessionsPerUser: 50, NewSessionsPerIP: 20,
		Upload: conf.UploadAtomic, KeepPartial: 72 * time.Hour}
	if l.FTP != want {
		t.Errorf("got %+v, want %+v", l.FTP, want)
	}
	if l.Bans.After != 10 || l.Bans.Time != 15*time.Minute || l.Bans.MaxTime != 24*time.Hour || !l.Bans.Exempt.LAN || len(l.Bans.Exempt.Prefixes) > 0 {
		t.Errorf("got %+v, want the defaults of bans", l.Bans)
	}
	if nat := l.NAT; !nat.ExternalAddress.Auto || nat.PortMapping.Off() || !nat.LANNetworks.Auto || len(nat.STUNServers) != 3 ||
		nat.Lease != time.Hour || nat.CheckInterval != 15*time.Second || nat.ExternalControlPort != 0 {
		t.Errorf("got %+v, want the defaults of nat", nat)
	}
	if l.TLS != (conf.TLS{Mode: conf.TLSOptional}) || l.Log != (conf.Log{Format: "text"}) {
		t.Errorf("got %+v and %+v, want the defaults of tls and log", l.TLS, l.Log)
	}
	if l.Status != (conf.Status{Listen: "127.0.0.1:8021"}) {
		t.Errorf("got %+v, want the defaults of status", l.Status)
	}
}

func TestTheFirstPlaceThatCountsWins(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "natftpd.yaml", "ftp:\n  listen: :1\n  idle_timeout: 1m\n  data_timeout: 10s\nusers: [{name: anonymous, home: pub}]\n")
	l, err := conf.Load(conf.Source{
		Search:  []string{"none.yaml", "natftpd.yaml"},
		Environ: []string{"NATFTPD_FTP_LISTEN=:2", "NATFTPD_FTP_IDLE_TIMEOUT=2m", "NATFTPD_NAT_STUN_SERVERS=[]", "NATFTPD_LOG_LEVEL="},
		Flags:   []conf.Flag{{Name: "listen", Key: "ftp.listen", Value: ":3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.FTP.Listen != ":3" || l.FTP.IdleTimeout != 2*time.Minute || l.FTP.DataTimeout != 10*time.Second || len(l.NAT.STUNServers) > 0 {
		t.Errorf("got %+v and %+v, want flag, environment, file, default in this order", l.FTP, l.NAT)
	}
	for key, want := range map[string]string{
		"ftp.listen":       "flag --listen",
		"ftp.idle_timeout": "environment NATFTPD_FTP_IDLE_TIMEOUT",
		"ftp.data_timeout": "natftpd.yaml:4",
		"ftp.active_mode":  "default",
		"log.level":        "default",
		"nat.stun_servers": "environment NATFTPD_NAT_STUN_SERVERS",
		"users[0].home":    "natftpd.yaml:5",
		"users[0].access":  "default",
	} {
		if got := l.Origin(key); got != want {
			t.Errorf("origin of %s: got %q, want %q", key, got, want)
		}
	}
}

func TestAFlagForNoKeyIsTheCallersFault(t *testing.T) {
	_, err := conf.Load(conf.Source{Search: []string{}, Flags: []conf.Flag{{Name: "user", Key: "users", Value: "alice"}}})
	if want := `flag --user: "users" is no key that a flag can set`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheEnvironmentMakesOneAccount(t *testing.T) {
	t.Run("with a home by default", func(t *testing.T) {
		l := mustLoad(t, "", alice...)
		expectUsers(t, l, conf.User{Name: "alice", Password: "$argon2id$fine", Home: "./share", Access: conf.ReadWrite, Start: "/"})
	})
	t.Run("with a password from a file", func(t *testing.T) {
		secret := filepath.Join(t.TempDir(), "secret")
		write(t, secret, "open sesame\r\n")
		l := mustLoad(t, "", "NATFTPD_USER=alice", "NATFTPD_PASSWORD_FILE="+secret, "NATFTPD_HOME=/srv")
		expectUsers(t, l, conf.User{Name: "alice", Password: "open sesame", Home: "/srv", Access: conf.ReadWrite, Start: "/"})
		if len(l.Warnings) > 0 {
			t.Errorf("got %q, want no warnings: the file is a place for secrets", l.Warnings)
		}
	})
	t.Run("beside those of the file", func(t *testing.T) {
		l := mustLoad(t, "users: [{name: anonymous, home: pub}]", alice...)
		expectUsers(t, l, conf.User{Name: "anonymous", Home: "pub", Access: conf.ReadOnly, Start: "/"},
			conf.User{Name: "alice", Password: "$argon2id$fine", Home: "./share", Access: conf.ReadWrite, Start: "/"})
	})
	t.Run("for anonymous", func(t *testing.T) {
		expectUsers(t, mustLoad(t, "", "NATFTPD_USER=anonymous"), conf.User{Name: "anonymous", Home: "./share", Access: conf.ReadOnly, Start: "/"})
	})
}

func TestVariablesOfKubernetesAreNotOurs(t *testing.T) {
	mustLoad(t, "", "NATFTPD_SERVICE_HOST=10.0.0.1", "NATFTPD_SERVICE_PORT=2121", "NATFTPD_SERVICE_PORT_FTP=2121",
		"NATFTPD_PORT=tcp://10.0.0.1:2121", "NATFTPD_PORT_2121_TCP=tcp://10.0.0.1:2121", "NATFTPD_PORT_2121_TCP_PROTO=tcp")
}

func TestAFileThatIsNamedMustExist(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := conf.Load(conf.Source{Path: "mine.yaml", Search: []string{}})
	expectMistakes(t, err, "flag --config: open mine.yaml: no such file or directory; name a file that can be read; natftpd config example prints one to begin with")

	write(t, "mine.yaml", "users: [{name: anonymous, home: flag}]")
	write(t, "other.yaml", "users: [{name: anonymous, home: environment}]")
	for want, s := range map[string]conf.Source{
		"mine.yaml":  {Path: "mine.yaml", Environ: []string{"NATFTPD_CONFIG=other.yaml"}},
		"other.yaml": {Environ: []string{"NATFTPD_CONFIG=other.yaml"}, Search: []string{"mine.yaml"}},
	} {
		l, err := conf.Load(s)
		if err != nil {
			t.Fatal(err)
		}
		if l.Path != want {
			t.Errorf("got %s, want %s", l.Path, want)
		}
	}
}

func TestAFileThatIsFoundButCanNotBeReadIsAMistake(t *testing.T) {
	t.Chdir(t.TempDir())
	// What Docker makes of a volume whose file does not exist.
	if err := os.Mkdir("natftpd.yaml", 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := conf.Load(conf.Source{Search: []string{"natftpd.yaml"}})
	expectMistakes(t, err, "natftpd.yaml: read natftpd.yaml: is a directory; make it readable, or name another file with --config")
}

func TestTheWorkingDirectoryIsSearchedBeforeTheMachine(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	mine, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"natftpd.yaml", filepath.Join(mine, "natftpd", "natftpd.yaml"), "/etc/natftpd/natftpd.yaml"}
	if got := conf.SearchPaths(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWindowsLineEndsAndByteOrderMarkAreRead(t *testing.T) {
	l := mustLoad(t, "\ufeffftp:\r\n  listen: :21\r\n  idle_timeout: 1m\r\nusers:\r\n  - name: anonymous\r\n    home: pub\r\n")
	if l.FTP.Listen != ":21" || l.FTP.IdleTimeout != time.Minute || l.Users[0].Home != "pub" {
		t.Errorf("got %+v and %+v", l.FTP, l.Users)
	}
}

func TestWhatWorksLessWellIsWarnedOf(t *testing.T) {
	tests := []struct {
		name, file string
		env        []string
		want       []string
	}{
		{"a plain-text password", "users:\n  - {name: bob, home: /srv, password: secret}\n", nil,
			[]string{"natftpd.yaml:2: users.password: the password of bob is plain text; natftpd hash-password makes a hash of it"}},
		{"a plain-text password in the environment", "", []string{"NATFTPD_USER=bob", "NATFTPD_PASSWORD=secret"},
			[]string{"environment NATFTPD_PASSWORD: users.password: the password of bob is plain text; natftpd hash-password makes a hash of it"}},
		{"many ports", "ftp:\n  passive_ports: 50000-50020\n", alice,
			[]string{"natftpd.yaml:2: ftp.passive_ports: 50000-50020 are 21 ports, each a mapping in a table of the router that may be small; ten serve many clients at once"}},
		{"many ports that were forwarded by hand", "ftp:\n  passive_ports: 50000-50020\nnat:\n  port_mapping: off\n", alice, nil},
		{"nothing to tell the external address", "nat:\n  port_mapping: off\n  stun_servers: []\n", alice,
			[]string{"natftpd.yaml:3: nat.external_address: is auto, but with nat.port_mapping off and no nat.stun_servers nothing can tell it: outside clients are told the LAN address"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustLoad(t, tt.file, tt.env...).Warnings; !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStateIsKeptWhereItIsUsual(t *testing.T) {
	tests := []struct {
		name        string
		env         []string
		dir, origin string
	}{
		{"state_dir first", []string{"NATFTPD_STATE_DIR=/a", "STATE_DIRECTORY=/b"}, "/a", "environment NATFTPD_STATE_DIR"},
		{"then systemd's first folder", []string{"STATE_DIRECTORY=/b:/c", "XDG_STATE_HOME=/d"}, "/b", "environment STATE_DIRECTORY"},
		{"then the user's folder for state", []string{"XDG_STATE_HOME=/d", "HOME=/e"}, "/d/natftpd", "environment XDG_STATE_HOME"},
		{"unless that is relative", []string{"XDG_STATE_HOME=d", "HOME=/e"}, "/e/.local/state/natftpd", "environment HOME"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, origin, err := mustLoad(t, "", tt.env...).StateFolder()
			if dir != tt.dir || origin != tt.origin || err != nil {
				t.Errorf("got %q by %q, error %v; want %q by %q", dir, origin, err, tt.dir, tt.origin)
			}
		})
	}
	t.Run("nowhere without a home", func(t *testing.T) {
		if dir, _, err := mustLoad(t, "").StateFolder(); err == nil {
			t.Errorf("got %q, want an error", dir)
		}
	})
}

func mustLoad(t testing.TB, file string, env ...string) *conf.Loaded {
	t.Helper()
	l, err := load(t, file, env...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func expectUsers(t *testing.T, l *conf.Loaded, want ...conf.User) {
	t.Helper()
	if !reflect.DeepEqual(l.Users, want) {
		t.Errorf("got %+v, want %+v", l.Users, want)
	}
}
