//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/argon2"
)

const (
	self = "natftpd"
	// nobody is whom servers become that drop their privileges.
	nobody, nobodyID, nogroupID = "nobody", 65534, 65534
)

// peer is a server to compare.
type peer struct {
	name string
	// prepare makes it ready on its ground. An error says why it can't be
	// measured here.
	prepare func(context.Context, ground) (launch, error)
}

// start starts it on a ground of that name.
func (r peer) start(ctx context.Context, p *place, name string) (*server, error) {
	g, err := p.ground(name)
	if err != nil {
		return nil, err
	}
	l, err := r.prepare(ctx, g)
	if err != nil {
		return nil, err
	}
	return start(ctx, l, p.cores.server)
}

// peers are all of them, natftpd first. The three in C get no range of passive
// ports: in one, vsftpd and ProFTPD soon find no port that is not in TIME_WAIT, and
// pure-ftpd wants two for each session.
func peers() []peer {
	return []peer{{self, natftpd}, {"vsftpd", vsftpd}, {"pure-ftpd", pureftpd}, {"proftpd", proftpd}, {"sftpgo", sftpgo}}
}

func peerNames() []string {
	var names []string
	for _, p := range peers() {
		names = append(names, p.name)
	}
	return names
}

// cheapHash is argon2id at the least cost that it has (RFC 9106, section 3.1), so
// that logins measure the server and not the hash.
func cheapHash() string { return argon2id(8, 1) }

// slowHash is argon2id as natftpd hash-password makes it, whose cost a login cannot
// go below: that of OWASP's Password Storage Cheat Sheet.
func slowHash() string { return argon2id(19<<10, 2) }

func argon2id(kib, passes uint32) string {
	salt := []byte("0123456789abcdef")
	key := argon2.IDKey([]byte(password), salt, passes, kib, 1, 32)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, kib, passes, encode(salt), encode(key))
}

// cheapCrypt is the same for crypt(3), which knows no argon2id: DES.
const cheapCrypt = "beXASnuSGSZa."

// natftpd runs with everything on that costs something on the way: the limits,
// though wide, a quota, atomic uploads, the log, the status page. Only the router and the STUN
// servers are left alone.
func natftpd(_ context.Context, g ground) (launch, error) {
	file, err := g.file("natftpd.yaml", fmt.Sprintf(`ftp:
  listen: "%s"
  passive_ports: %d-%d
  max_sessions: 12000
  max_sessions_per_ip: 11000
  max_sessions_per_user: 11000
  new_sessions_per_ip: 10000
  upload: atomic
nat: {port_mapping: off, stun_servers: []}
bans: {after: 1000}
tls: {mode: optional, certificate: %q, key: %q}
users:
- {name: %s, password: %q, home: %q, quota: 100TB}
- {name: %s, password: %q, home: %q, quota: 100TB}
status: {listen: "%s"}
state_dir: %q
`, g.control, g.passive, g.last, g.certificate(), g.key(),
		user, cheapHash(), g.home, slowUser, slowHash(), g.home, g.status, filepath.Join(g.dir, "state")))
	l := natftpdLaunch(g, file)
	l.server.slow = slowUser
	return l, err
}

func natftpdLaunch(g ground, file string) launch {
	return launch{
		server:  &server{name: self, version: g.version, at: g.control, user: user, status: g.status},
		program: g.natftpd, args: []string{"serve", "--config", file}, dir: g.dir,
	}
}

// vsftpd logs in as anonymous: its own users need PAM files of the system. Who
// anonymous is must have a home that exists; nobody has none.
func vsftpd(ctx context.Context, g ground) (launch, error) {
	if os.Geteuid() != 0 {
		return launch{}, fmt.Errorf("needs root")
	}
	root, err := g.unpack(ctx, "vsftpd", []string{"vsftpd"})
	if err != nil {
		return launch{}, err
	}
	jail := filepath.Join(g.dir, "jail")
	if err := os.MkdirAll(jail, 0o755); err != nil {
		return launch{}, err
	}
	file, err := g.file("vsftpd.conf", fmt.Sprintf(`listen=YES
listen_address=%s
listen_port=%d
background=NO
max_clients=0
max_per_ip=0
anonymous_enable=YES
local_enable=NO
ftp_username=daemon
anon_root=%s
allow_writeable_chroot=YES
anon_world_readable_only=NO
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
write_enable=YES
secure_chroot_dir=%s
xferlog_enable=YES
vsftpd_log_file=%s
ssl_enable=YES
allow_anon_ssl=YES
force_local_data_ssl=NO
force_local_logins_ssl=NO
ssl_ciphers=HIGH
rsa_cert_file=%s
rsa_private_key_file=%s
`, g.control.Addr(), g.control.Port(), g.home, jail,
		filepath.Join(g.dir, "vsftpd.log"), g.certificate(), g.key()))
	return launch{
		server:  &server{name: "vsftpd", version: packageVersion(root, "vsftpd"), at: g.control, user: "anonymous"},
		program: filepath.Join(root, "usr/sbin/vsftpd"), args: []string{file}, env: libraries(root), dir: g.dir,
	}, err
}

func pureftpd(ctx context.Context, g ground) (launch, error) {
	if os.Geteuid() != 0 {
		return launch{}, fmt.Errorf("needs root")
	}
	root, err := g.unpack(ctx, "pure-ftpd", []string{"pure-ftpd", "libsodium23"})
	if err != nil {
		return launch{}, err
	}
	account := func(name, hash string) string {
		return fmt.Sprintf("%s:%s:%d:%d::%s/./::::::::::::\n", name, hash, nobodyID, nogroupID, g.home)
	}
	passwd, err := g.file("passwd", account(user, cheapHash())+account(slowUser, slowHash()))
	if err != nil {
		return launch{}, err
	}
	database := filepath.Join(g.dir, "users.pdb")
	if err := runTool(ctx, root, "usr/bin/pure-pw", "mkdb", database, "-f", passwd); err != nil {
		return launch{}, err
	}
	return launch{
		server:  &server{name: "pure-ftpd", version: packageVersion(root, "pure-ftpd"), at: g.control, user: user, slow: slowUser},
		program: filepath.Join(root, "usr/sbin/pure-ftpd"),
		args: []string{
			"--bind", fmt.Sprintf("%s,%d", g.control.Addr(), g.control.Port()),
			"--login", "puredb:" + database, "--noanonymous", "--dontresolve", "--maxclientsnumber", "12000",
			"--limitrecursion", "1000000:10", "--tls", "1", "--certfile", g.key(),
			"--altlog", "clf:" + filepath.Join(g.dir, "pure-ftpd.log"), "--pidfile", filepath.Join(g.dir, "pid"),
		},
		env: libraries(root), dir: g.dir,
	}, nil
}

// proftpd is told of an authority, or it would read those of the whole system for
// each session.
func proftpd(ctx context.Context, g ground) (launch, error) {
	root, err := g.unpack(ctx, "proftpd", []string{"proftpd-core", "proftpd-mod-crypto",
		"libhashkit2", "libhiredis0.14", "libmemcached11", "libmemcachedutil2", "libpcre2-posix3", "libsodium23"})
	if err != nil {
		return launch{}, err
	}
	passwd, err := g.file("passwd", fmt.Sprintf("%s:%s:%d:%d::%s:/bin/sh\n", user, cheapCrypt, nobodyID, nogroupID, g.home))
	if err != nil {
		return launch{}, err
	}
	in := func(name string) string { return filepath.Join(g.dir, name) }
	file, err := g.file("proftpd.conf", fmt.Sprintf(`ServerType standalone
DefaultServer on
DefaultAddress %s
Port %d
UseIPv6 off
ModulePath %s
LoadModule mod_tls.c
MaxInstances none
User %s
Group nogroup
AuthUserFile %s
AuthOrder mod_auth_file.c
RequireValidShell off
DelayEngine off
WtmpLog off
DefaultRoot %s
PidFile %s
ScoreboardFile %s
SystemLog %s
TransferLog %s
TLSEngine on
TLSRequired off
TLSECCertificateFile %s
TLSECCertificateKeyFile %s
TLSCACertificateFile %s
TLSLog %s
<Directory />
  AllowOverwrite on
</Directory>
`, g.control.Addr(), g.control.Port(), filepath.Join(root, "usr/lib/proftpd"), nobody, passwd, g.home,
		in("pid"), in("scoreboard"), in("system.log"), in("transfer.log"), g.certificate(), g.key(), g.certificate(), in("tls.log")))
	return launch{
		server:  &server{name: "proftpd", version: packageVersion(root, "proftpd-core"), at: g.control, user: user},
		program: filepath.Join(root, "usr/sbin/proftpd"), args: []string{"--nodaemon", "--config", file}, env: libraries(root), dir: g.dir,
	}, err
}

// sftpgo runs in its portable mode: one account, no database, files on the local disk.
func sftpgo(ctx context.Context, g ground) (launch, error) {
	const version = "v2.6.4"
	program, err := g.buildModule(ctx, "sftpgo", "github.com/drakkan/sftpgo/v2", version,
		"nobolt,nomysql,nopgsql,nosqlite,nogcs,nos3,noazblob")
	return launch{
		server:  &server{name: "sftpgo", version: version, at: g.control, user: user},
		program: program,
		args: []string{
			"portable", "--directory", g.home, "--username", user, "--password", cheapHash(), "--permissions", "*",
			"--sftpd-port", "-1", "--ftpd-port", fmt.Sprint(g.control.Port()), "--ftpd-cert", g.certificate(), "--ftpd-key", g.key(),
			"--log-file-path", filepath.Join(g.dir, "sftpgo.log"), "--log-level", "info",
		},
		env: []string{
			fmt.Sprintf("SFTPGO_FTPD__PASSIVE_PORT_RANGE__START=%d", g.passive), fmt.Sprintf("SFTPGO_FTPD__PASSIVE_PORT_RANGE__END=%d", g.last),
			"SFTPGO_COMMON__MAX_PER_HOST_CONNECTIONS=0",
		},
		dir: g.dir,
	}, err
}
