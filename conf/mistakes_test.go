package conf_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"natftpd/conf"
)

// alice is a user from the environment, for tests whose file has none.
var alice = []string{"NATFTPD_USER=alice", "NATFTPD_PASSWORD=$argon2id$fine"}

// load reads natftpd.yaml with the content of file, unless that is empty.
func load(t testing.TB, file string, env ...string) (*conf.Loaded, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	s := conf.Source{Search: []string{"natftpd.yaml"}, Environ: env, CheckPassword: checkPassword}
	if file != "" {
		write(t, "natftpd.yaml", file)
	}
	return conf.Load(s)
}

func checkPassword(stored string) error {
	if strings.Contains(stored, "broken") {
		return errors.New("argon2id hash: missing salt")
	}
	return nil
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAMistakeInTheFileIsToldWithItsPlaceAndItsRemedy(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"a port alone as listen", "ftp:\n  listen: 2121\n",
			`natftpd.yaml:2:11: ftp.listen: "2121" is a port without its colon; write ":2121"`},
		{"an address alone as listen", "ftp:\n  listen: 192.168.1.10\n",
			`natftpd.yaml:2:11: ftp.listen: "192.168.1.10" is no :port or address:port; write :port or address:port, for example ":2121"`},
		{"a port too large", "ftp:\n  listen: :70000\n",
			`natftpd.yaml:2:11: ftp.listen: ":70000": "70000" is no port; write :port or address:port, for example ":2121"`},
		{"a name of another machine as listen", "ftp:\n  listen: home.example.org:2121\n",
			`natftpd.yaml:2:11: ftp.listen: "home.example.org:2121": "home.example.org" is no address of this machine; write ":2121" for all of its addresses`},
		{"a list for one value", "ftp:\n  listen: [\":2121\"]\n",
			`natftpd.yaml:2:11: ftp.listen: is a list where one value belongs; write :port or address:port, for example ":2121"`},
		{"no value", "ftp:\n  listen:\n",
			`natftpd.yaml:2:3: ftp.listen: has no value; write :port or address:port, for example ":2121"`},
		{"one port as a range", "ftp:\n  passive_ports: 50000\n",
			`natftpd.yaml:2:18: ftp.passive_ports: "50000" is no range; write first-last, for example 50000-50009`},
		{"a range that runs backwards", "ftp:\n  passive_ports: 50009-50000\n",
			`natftpd.yaml:2:18: ftp.passive_ports: "50009-50000" runs backwards; write 50000-50009`},
		{"a range of low ports", "ftp:\n  passive_ports: 1000-1030\n",
			`natftpd.yaml:2:18: ftp.passive_ports: "1000-1030" has ports below 1024, which many routers refuse to map; write first-last, for example 50000-50009`},
		{"a range too long", "ftp:\n  passive_ports: 50000-51000\n",
			`natftpd.yaml:2:18: ftp.passive_ports: "50000-51000" are 1001 ports, more than 1000; write first-last, for example 50000-50009`},
		{"listen inside the range", "ftp:\n  listen: :50005\n",
			`natftpd.yaml:2:11: ftp.passive_ports: 50000-50009 holds 50005, the port of ftp.listen; write ports that no other key uses`},
		{"the external control port inside the range", "nat:\n  external_control_port: 50005\n",
			`natftpd.yaml:2:26: nat.external_control_port: 50005 is one of ftp.passive_ports 50000-50009; write a port outside of them`},
		{"a boolean in other words", "ftp:\n  active_mode: yes\n",
			`natftpd.yaml:2:16: ftp.active_mode: "yes" is neither true nor false; write true or false`},
		{"a time without its unit", "ftp:\n  idle_timeout: 15\n",
			`natftpd.yaml:2:17: ftp.idle_timeout: "15" has no unit; write seconds as 15s, minutes as 15m`},
		{"a time in words", "ftp:\n  data_timeout: soon\n",
			`natftpd.yaml:2:17: ftp.data_timeout: "soon" is no time; write a time with its unit, for example 30s`},
		{"a time too short", "ftp:\n  idle_timeout: 1s\n",
			`natftpd.yaml:2:17: ftp.idle_timeout: "1s" is shorter than 10s; write a time with its unit, for example 15m`},
		{"a time too long", "nat:\n  check_interval: 1h\n",
			`natftpd.yaml:2:19: nat.check_interval: "1h" is longer than 10m; write a time with its unit, for example 15s`},
		{"a lease too short", "nat:\n  lease: 1m\n",
			`natftpd.yaml:2:10: nat.lease: "1m" is shorter than 2m; write a time from 2m to 168h, for example 1h, or 0 for a mapping that never ends`},
		{"a private external address", "nat:\n  external_address: 192.168.1.1\n",
			`natftpd.yaml:2:21: nat.external_address: 192.168.1.1 is private (RFC 1918): nobody on the internet can reach it; write the address that the internet sees, or auto; for clients of a VPN use nat.address_overrides`},
		{"an external address of a carrier's NAT", "nat:\n  external_address: 100.64.0.1\n",
			`natftpd.yaml:2:21: nat.external_address: 100.64.0.1 is shared between customers of a carrier or a VPN: nobody on the internet can reach it; write the address that the internet sees, or auto; for clients of a VPN use nat.address_overrides`},
		{"an external address of IPv6", "nat:\n  external_address: 2001:db8::1\n",
			`natftpd.yaml:2:21: nat.external_address: "2001:db8::1" is an IPv6 address, and PASV carries IPv4 only (RFC 959); write the IPv4 address, or auto; IPv6 clients need no setting, they use EPSV (RFC 2428)`},
		{"a mistyped external address", "nat:\n  external_address: 300.1.2.3\n",
			`natftpd.yaml:2:21: nat.external_address: "300.1.2.3" is no IPv4 address; write auto, an IPv4 address or a host name, for example home.example.org`},
		{"a mistyped auto", "nat:\n  external_address: atuo\n",
			`natftpd.yaml:2:21: nat.external_address: "atuo" is neither auto, an address nor a host name with its domain; write auto, an IPv4 address or a host name, for example home.example.org`},
		{"a host name with a space", "nat:\n  external_address: home example.org\n",
			`natftpd.yaml:2:21: nat.external_address: "home example.org" is neither an address nor a host name; write auto, an IPv4 address or a host name, for example home.example.org`},
		{"an unknown method", "nat:\n  port_mapping: [upnp, igd]\n",
			`natftpd.yaml:2:24: nat.port_mapping: "igd" is no method; write auto, off, or a list of methods, for example [pcp, upnp]`},
		{"off beside a method", "nat:\n  port_mapping: [off, upnp]\n",
			`natftpd.yaml:2:23: nat.port_mapping: auto and off stand alone, without "upnp" beside them; write auto, off, or a list of methods, for example [pcp, upnp]`},
		{"a method twice", "nat:\n  port_mapping: [upnp, upnp]\n",
			`natftpd.yaml:2:24: nat.port_mapping: "upnp" is there twice; write auto, off, or a list of methods, for example [pcp, upnp]`},
		{"segments in words", "nat:\n  max_segment_size: small\n",
			`natftpd.yaml:2:21: nat.max_segment_size: "small" is no number of bytes; write auto, 0 for the system's choice, or bytes from 536 to 1460, for example 1440`},
		{"segments too small", "nat:\n  max_segment_size: 100\n",
			`natftpd.yaml:2:21: nat.max_segment_size: 100 bytes are fewer than 536; write auto, 0 for the system's choice, or bytes from 536 to 1460, for example 1440`},
		{"segments larger than a frame", "nat:\n  max_segment_size: 9000\n",
			`natftpd.yaml:2:21: nat.max_segment_size: 9000 bytes are more than 1460, which fill an Ethernet frame; write auto, 0 for the system's choice, or bytes from 536 to 1460, for example 1440`},
		{"a port in words", "nat:\n  external_control_port: ftp\n",
			`natftpd.yaml:2:26: nat.external_control_port: "ftp" is no port; write a port from 1 to 65535, or 0 for the port of ftp.listen`},
		{"the implicit port as the explicit one", "ftp:\n  listen: :990\n  listen_tls: :990\n",
			`natftpd.yaml:3:15: ftp.listen_tls: 990 is the port of ftp.listen, too; write another port`},
		{"the implicit port inside the range", "ftp:\n  listen_tls: :50001\n",
			`natftpd.yaml:2:15: ftp.listen_tls: 50001 is one of ftp.passive_ports 50000-50009; write a port outside of them`},
		{"a status page for everybody", "status:\n  listen: :8021\n",
			`natftpd.yaml:2:11: status.password: is empty, but status.listen ":8021" lets others than this machine ask; write a hash made by natftpd hash-password, or listen on "127.0.0.1:8021"`},
		{"the status page on the control port", "status:\n  listen: 127.0.0.1:2121\n",
			`natftpd.yaml:2:11: status.listen: 2121 is the port of ftp.listen, too; write another port`},
		{"the status page inside the range", "status:\n  listen: 127.0.0.1:50001\n",
			`natftpd.yaml:2:11: status.listen: 50001 is one of ftp.passive_ports 50000-50009; write a port outside of them`},
		{"the port of a status page that nobody wrote down", "ftp:\n  listen: \":8021\"\n",
			`natftpd.yaml:2:11: status.listen: 8021 is the port of ftp.listen, too; write another port`},
		{"passive ports that hold the status page's, which nobody wrote down", "ftp:\n  passive_ports: 8020-8029\n",
			`natftpd.yaml:2:18: status.listen: 8021 is one of ftp.passive_ports 8020-8029; write a port outside of them`},
		{"implicit TLS without TLS", "ftp:\n  listen_tls: :990\ntls:\n  mode: off\n",
			`natftpd.yaml:2:15: ftp.listen_tls: is set, but tls.mode is off; write "", or tls.mode: optional`},
		{"a hook for no event", "hooks:\n- {on: [uploads], command: [a]}\n",
			`natftpd.yaml:2:9: hooks.on: "uploads" is no event; write some of upload, download, login, ban, external_address, verdict, for example [upload]`},
		{"a hook for the same event twice", "hooks:\n- {on: [ban, ban], command: [a]}\n",
			`natftpd.yaml:2:14: hooks.on: "ban" is there twice; write some of upload, download, login, ban, external_address, verdict, for example [upload]`},
		{"a hook for an empty list", "hooks:\n- {on: [], command: [a]}\n",
			`natftpd.yaml:2:8: hooks.on: is empty; write some of upload, download, login, ban, external_address, verdict, or remove the hook`},
		{"a hook that does nothing", "hooks:\n- {on: [ban]}\n",
			`natftpd.yaml:2:4: hooks: needs a command or a url, one of them; write for example command: [/usr/local/bin/thumbnail]`},
		{"a hook that does two things", "hooks:\n- {on: [ban], command: [a], url: \"http://b\"}\n",
			`natftpd.yaml:2:4: hooks: needs a command or a url, one of them; write for example command: [/usr/local/bin/thumbnail]`},
		{"a hook without a program", "hooks:\n- {on: [ban], command: [\"\"]}\n",
			`natftpd.yaml:2:24: hooks.command: names no program; write its path first, for example [/usr/local/bin/thumbnail, --small]`},
		{"a hook with a command that is signed", "hooks:\n- {on: [ban], command: [a], secret: b}\n",
			`natftpd.yaml:2:37: hooks.secret: is set for a command, which nobody signs; remove it`},
		{"a hook for no web server", "hooks:\n- {on: [ban], url: \"ftp://b\"}\n",
			`natftpd.yaml:2:20: hooks.url: "ftp://b" is no address of a web server; write where to send a POST, for example https://example.org/natftpd`},
		{"a hook that shows a password", "hooks:\n- {on: [ban], url: \"http://me:open@b/\"}\n",
			`natftpd.yaml:2:20: hooks.url: http://me:xxxxx@b/ has a name or password in it, which logs would show; write them out of it; secret signs what is sent`},
		{"sessions in words", "ftp:\n  max_sessions: many\n",
			`natftpd.yaml:2:17: ftp.max_sessions: "many" is no whole number; write a whole number, or 0 for no bound`},
		{"fewer sessions than none", "ftp:\n  max_sessions_per_ip: -1\n",
			`natftpd.yaml:2:24: ftp.max_sessions_per_ip: -1 is not from 0 to 1000000; write a whole number, or 0 for no bound`},
		{"an unknown way to upload", "ftp:\n  upload: safe\n",
			`natftpd.yaml:2:11: ftp.upload: "safe" is none of its values; write atomic or direct`},
		{"a umask in words", "ftp:\n  umask: u=rwx\n",
			`natftpd.yaml:2:10: ftp.umask: "u=rwx" is no octal number from 000 to 777; write an octal number in quotes, for example "022", or "" for that of the process`},
		{"a umask for the server itself", "ftp:\n  umask: \"077777\"\n",
			`natftpd.yaml:2:10: ftp.umask: "077777" is no octal number from 000 to 777; write an octal number in quotes, for example "022", or "" for that of the process`},
		{"a umask that takes from the owner", "ftp:\n  umask: \"222\"\n",
			`natftpd.yaml:2:10: ftp.umask: "222" takes rights from the owner of the files, the server itself; write an octal number in quotes, for example "022", or "" for that of the process`},
		{"an owner beyond all numbers", "ftp:\n  owner: \"99999999999\"\n",
			`natftpd.yaml:2:10: ftp.owner: "99999999999" is no user or user:group; write user or user:group, by name or number, for example "1000:1000", or "" for whoever runs the server`},
		{"the number that is nobody's as a group", "ftp:\n  owner: \"1000:4294967295\"\n",
			`natftpd.yaml:2:10: ftp.owner: "1000:4294967295" is no user or user:group; write user or user:group, by name or number, for example "1000:1000", or "" for whoever runs the server`},
		{"an owner below zero", "ftp:\n  owner: \"-1\"\n",
			`natftpd.yaml:2:10: ftp.owner: "-1" is no user or user:group; write user or user:group, by name or number, for example "1000:1000", or "" for whoever runs the server`},
		{"an owner without a group", "ftp:\n  owner: \"alice:\"\n",
			`natftpd.yaml:2:10: ftp.owner: "alice:" is no user or user:group; write user or user:group, by name or number, for example "1000:1000", or "" for whoever runs the server`},
		{"bans that shrink", "bans:\n  time: 2h\n  max_time: 1h\n",
			`natftpd.yaml:3:13: bans.max_time: 1h is shorter than bans.time, 2h; write the longest ban, for example 24h`},
		{"an exempt client that is none", "bans:\n  exempt: [home]\n",
			`natftpd.yaml:2:12: bans.exempt: "home" is no network; write lan, addresses and networks, for example [lan, 198.51.100.7], or [] for nobody`},
		{"an exempt client twice", "bans:\n  exempt: [10.0.0.1, 10.0.0.1/32]\n",
			`natftpd.yaml:2:22: bans.exempt: "10.0.0.1/32" is there twice; write lan, addresses and networks, for example [lan, 198.51.100.7], or [] for nobody`},
		{"a STUN server alone", "nat:\n  stun_servers: [stun.example.org:3478]\n",
			`natftpd.yaml:2:17: nat.stun_servers: is one server, but two must agree before an address is believed; write at least two of different operators, or [] for none`},
		{"a STUN server without its port", "nat:\n  stun_servers: [stun.example.org, stun.example.net:3478]\n",
			`natftpd.yaml:2:18: nat.stun_servers: "stun.example.org" has no port; write stun.example.org:3478, or the port that its operator names`},
		{"a STUN server as a URL", "nat:\n  stun_servers: [\"stun:stun.example.org:3478\", stun.example.net:3478]\n",
			`natftpd.yaml:2:18: nat.stun_servers: "stun:stun.example.org:3478" is no host:port; write host:port for each, for example [stun.cloudflare.com:3478, stun.nextcloud.com:3478], or [] for none`},
		{"a STUN server twice", "nat:\n  stun_servers: [stun.example.org:1, stun.example.org:1]\n",
			`natftpd.yaml:2:38: nat.stun_servers: "stun.example.org:1" is there twice, but two different servers must agree; write servers of different operators`},
		{"a list in a list", "nat:\n  stun_servers: [[a:1], b:1, c:1]\n",
			`natftpd.yaml:2:18: nat.stun_servers: is a list where one value belongs; write host:port for each, for example [stun.cloudflare.com:3478, stun.nextcloud.com:3478], or [] for none`},
		{"a LAN network with host bits", "nat:\n  lan_networks: [auto, 192.168.1.5/24]\n",
			`natftpd.yaml:2:24: nat.lan_networks: "192.168.1.5/24" is an address inside a network; write 192.168.1.0/24`},
		{"a LAN network without its length", "nat:\n  lan_networks: 192.168.1.5\n",
			`natftpd.yaml:2:17: nat.lan_networks: "192.168.1.5" is one address, no network; write 192.168.1.5/32 for this address alone`},
		{"a LAN network that is none", "nat:\n  lan_networks: home\n",
			`natftpd.yaml:2:17: nat.lan_networks: "home" is no network; write auto, networks, or both, for example [auto, 192.168.7.0/24]`},
		{"a LAN network of IPv4 in IPv6", "nat:\n  lan_networks: \"::ffff:10.0.0.0/104\"\n",
			`natftpd.yaml:2:17: nat.lan_networks: "::ffff:10.0.0.0/104" is IPv4 written as IPv6; write auto, networks, or both, for example [auto, 192.168.7.0/24]`},
		{"an override without its address", "nat:\n  address_overrides:\n    - clients: 10.8.0.0/24\n",
			`natftpd.yaml:3:7: nat.address_overrides.address: is missing; write local, or the IPv4 address to tell these clients`},
		{"an override to a name", "nat:\n  address_overrides:\n    - {clients: 10.8.0.0/24, address: vpn.example.org}\n",
			`natftpd.yaml:3:39: nat.address_overrides.address: "vpn.example.org" is neither local nor an address; write local, or the IPv4 address to tell these clients`},
		{"an override to an IPv6 address", "nat:\n  address_overrides:\n    - {clients: 10.8.0.0/24, address: \"fd00::1\"}\n",
			`natftpd.yaml:3:39: nat.address_overrides.address: "fd00::1" is an IPv6 address, and PASV carries IPv4 only (RFC 959); write local, or the IPv4 address to tell these clients`},
		{"an override to no host", "nat:\n  address_overrides:\n    - {clients: 10.8.0.0/24, address: 0.0.0.0}\n",
			`natftpd.yaml:3:39: nat.address_overrides.address: 0.0.0.0 is no address of a host; write local, or the IPv4 address to tell these clients`},
		{"an override that is never reached", "nat:\n  address_overrides:\n    - {clients: 10.0.0.0/8, address: local}\n    - {clients: 10.8.0.0/24, address: local}\n",
			`natftpd.yaml:4:17: nat.address_overrides.clients: 10.8.0.0/24 is never reached: 10.0.0.0/8 in line 3 comes first; write the smaller network first`},
		{"overrides that are no list", "nat:\n  address_overrides: local\n",
			`natftpd.yaml:2:22: nat.address_overrides: is one value where a list belongs; write a list, for example [{clients: 10.8.0.0/24, address: local}]`},
		{"an unknown TLS mode", "tls:\n  mode: on\n",
			`natftpd.yaml:2:9: tls.mode: "on" is none of its values; write off, optional or required`},
		{"a certificate without its key", "tls:\n  certificate: /etc/ssl/ftp.pem\n",
			`natftpd.yaml:2:16: tls.certificate: is set without tls.key; write both, or neither for a self-signed certificate`},
		{"a key without its certificate", "tls:\n  key: /etc/ssl/ftp.key\n",
			`natftpd.yaml:2:8: tls.key: is set without tls.certificate; write both, or neither for a self-signed certificate`},
		{"an unknown log level", "log:\n  level: verbose\n",
			`natftpd.yaml:2:10: log.level: "verbose" is none of its values; write debug, info, warn or error`},
		{"an unknown log format", "log: {format: xml}\n",
			`natftpd.yaml:1:15: log.format: "xml" is none of its values; write text or json`},
		{"a control character", "state_dir: \"/var\\n/lib\"\n",
			`natftpd.yaml:1:12: state_dir: has a line break or another control character in it; write the path of a folder`},
		{"a path that only a shell understands", "state_dir: ~/natftpd\n",
			`natftpd.yaml:1:12: state_dir: "~/natftpd" begins with ~, which only a shell understands; write the whole path`},

		{"a mistyped key", "ftp:\n  pasive_ports: 50000-50009\n",
			`natftpd.yaml:2:3: ftp.pasive_ports: is no key; write passive_ports`},
		{"a mistyped section", "fpt:\n  listen: :21\n",
			`natftpd.yaml:1:1: fpt: is no key; write ftp`},
		{"a key of another section", "listen: :21\n",
			`natftpd.yaml:1:1: listen: is no key; write listen below ftp:`},
		{"a key with its section in one word", "ftp.listen: :21\n",
			`natftpd.yaml:1:1: ftp.listen: is no key; write listen below ftp:`},
		{"a key of nothing", "ftp:\n  anonymous_enable: true\n",
			`natftpd.yaml:2:3: ftp.anonymous_enable: is no key; remove it; natftpd config example prints every key`},
		{"a key twice", "ftp:\n  listen: :21\n  listen: :22\n",
			`natftpd.yaml:3:3: ftp.listen: is written twice, first in line 2; keep one of them`},
		{"a section twice", "log: {level: info}\nlog: {format: text}\n",
			`natftpd.yaml:2:1: log: is written twice, first in line 1; keep one of them`},
		{"a value for a section", "log: debug\n",
			`natftpd.yaml:1:6: log: is one value where keys belong; write level, format, xferlog below it, each with its value`},
		{"a text alone", "hello\n",
			`natftpd.yaml:1:1: is one value where keys belong; write sections such as ftp: and users:; natftpd config example prints a whole file`},
		{"a tab", "ftp:\n\tlisten: :21\n",
			`natftpd.yaml:2:1: is a tab in the indentation; indent with spaces`},
		{"an open quote", "ftp:\n  listen: \":21\n",
			`natftpd.yaml:2:11: is not YAML: could not find end character of double-quoted text; mind the indentation, the space behind each colon, and quotes around texts with special characters`},
		{"a crooked indentation", "ftp:\n  listen: :21\n log:\n",
			`natftpd.yaml:3:2: is not YAML: value is not allowed in this context; mind the indentation, the space behind each colon, and quotes around texts with special characters`},
		{"no space behind the colon", "ftp:\n  listen:\":2121\"\n",
			`natftpd.yaml:2:3: ftp: is one value where keys belong; put a space behind listen:`},
		{"a section in capitals", "FTP:\n  listen: :21\n",
			`natftpd.yaml:1:1: FTP: is no key; write ftp`},
		{"an anchor", "ftp:\n  listen: &l :21\n",
			`natftpd.yaml:2:11: is YAML that is not used here (anchor); write the value itself, without & * ! or <<`},
		{"a merge key", "<<: {log: {}}\n",
			`natftpd.yaml:1:1: is no plain key; write key: value`},
		{"a second document", "log: {}\n---\nlog: {}\n",
			`natftpd.yaml:3:1: is a second document; keep one document in the file, without a line of ---`},
		{"another encoding", "log: \xff\n",
			`natftpd.yaml:1:1: is not UTF-8; save it as UTF-8 text`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file, alice...)
			expectMistakes(t, err, tt.want)
		})
	}
}

func TestAMistakeInAUserIsToldWithItsPlaceAndItsRemedy(t *testing.T) {
	const fine = "    home: /srv/ftp\n    password: $argon2id$fine\n"
	tests := []struct{ name, file, want string }{
		{"nobody", "ftp: {}\n",
			`natftpd.yaml:1:1: users: nobody may log in; write at least one, for example users: [{name: alice, password: …, home: /srv/ftp/alice}]`},
		{"an empty list", "ftp: {}\nusers: []\n",
			`natftpd.yaml:2:8: users: nobody may log in; write at least one, for example users: [{name: alice, password: …, home: /srv/ftp/alice}]`},
		{"no list", "users: alice\n",
			`natftpd.yaml:1:8: users: is one value where a list belongs; write a list, for example [{name: alice, password: …, home: /srv/ftp/alice}]`},
		{"a name alone", "users:\n  - alice\n",
			`natftpd.yaml:2:5: users: is one value where keys belong; write name, password, home, access, start, quota, max_rate, allow_from below it, each with its value`},
		{"no name", "users:\n  - home: /srv/ftp\n    password: $argon2id$fine\n",
			`natftpd.yaml:2:5: users.name: is missing; write what the user types to log in, for example alice`},
		{"an empty name", "users:\n  - name: \"\"\n" + fine,
			`natftpd.yaml:2:11: users.name: is empty; write what the user types to log in, for example alice`},
		{"a name with a space", "users:\n  - name: alice smith\n" + fine,
			`natftpd.yaml:2:11: users.name: "alice smith" has a space, a colon or a control character in it; write what the user types to log in, for example alice`},
		{"a name twice", "users:\n  - name: alice\n" + fine + "  - name: alice\n" + fine,
			`natftpd.yaml:5:11: users.name: "alice" is there already, in natftpd.yaml:2; give each user another name`},
		{"no home", "users:\n  - name: alice\n    password: $argon2id$fine\n",
			`natftpd.yaml:2:5: users.home: is missing; write the folder that the user sees, for example /srv/ftp/alice`},
		{"an empty home", "users:\n  - name: anonymous\n    home: \"\"\n",
			`natftpd.yaml:3:11: users.home: is empty; write the folder that the user sees, for example /srv/ftp/alice`},
		{"no password", "users:\n  - name: alice\n    home: /srv/ftp\n",
			`natftpd.yaml:2:5: users.password: is missing for alice; write a hash made by natftpd hash-password`},
		{"an empty password", "users:\n  - name: alice\n    home: /srv/ftp\n    password: \"\"\n",
			`natftpd.yaml:4:15: users.password: is empty; write a hash made by natftpd hash-password`},
		{"a broken hash", "users:\n  - name: alice\n    home: /srv/ftp\n    password: $argon2id$broken\n",
			`natftpd.yaml:4:15: users.password: argon2id hash: missing salt; write a hash made by natftpd hash-password`},
		{"a password of two lines, not quoted in the message", "users:\n  - name: alice\n    home: /srv/ftp\n    password: |\n      secret\n      word\n",
			`natftpd.yaml:4:15: users.password: has a line break or another control character in it; write a hash made by natftpd hash-password`},
		{"a password for anonymous", "users:\n  - name: anonymous\n" + fine,
			`natftpd.yaml:4:15: users.password: is set for anonymous, whom every password lets in; remove it, or give the user another name`},
		{"an unknown access", "users:\n  - name: alice\n" + fine + "    access: admin\n",
			`natftpd.yaml:5:13: users.access: "admin" is none of its values; write read-write, read-only or upload-only`},
		{"a start outside of the home", "users:\n  - name: alice\n" + fine + "    start: inbox\n",
			`natftpd.yaml:5:12: users.start: "inbox" does not begin with /, the home; write /inbox`},
		{"a start with dots", "users:\n  - name: alice\n" + fine + "    start: /a/../../b\n",
			`natftpd.yaml:5:12: users.start: "/a/../../b" is not the shortest way to write it; write /b`},
		{"a quota in words", "users:\n  - name: alice\n" + fine + "    quota: plenty\n",
			`natftpd.yaml:5:12: users.quota: "plenty" is no number of bytes; write bytes, for example 100GB, or 0 for no bound`},
		{"a quota below nothing", "users:\n  - name: alice\n" + fine + "    quota: -1GB\n",
			`natftpd.yaml:5:12: users.quota: "-1GB" is less than nothing; write bytes, for example 100GB, or 0 for no bound`},
		{"a quota beyond all disks", "users:\n  - name: alice\n" + fine + "    quota: 99999999TB\n",
			`natftpd.yaml:5:12: users.quota: "99999999TB" is more than any disk holds; write bytes, for example 100GB, or 0 for no bound`},
		{"a quota of half a byte", "users:\n  - name: alice\n" + fine + "    quota: 0.5\n",
			`natftpd.yaml:5:12: users.quota: "0.5" is no whole number of bytes; write bytes, for example 100GB, or 0 for no bound`},
		{"a quota with an exponent", "users:\n  - name: alice\n" + fine + "    quota: 1e9\n",
			`natftpd.yaml:5:12: users.quota: "1e9" is no number of bytes; write bytes, for example 100GB, or 0 for no bound`},
		{"a rate that stands still", "users:\n  - name: alice\n" + fine + "    max_rate: 10\n",
			`natftpd.yaml:5:15: users.max_rate: "10" is slower than 1KB a second; write bytes a second, for example 5MB, or 0 for no bound`},
		{"a client that is none", "users:\n  - name: alice\n" + fine + "    allow_from: [lan, everywhere]\n",
			`natftpd.yaml:5:23: users.allow_from: "everywhere" is no network; write lan, addresses and networks, for example [lan, 198.51.100.0/24], or [] for everywhere`},
		{"a mistyped key", "users:\n  - name: alice\n" + fine + "    acess: read-only\n",
			`natftpd.yaml:5:5: users.acess: is no key; write access`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file)
			expectMistakes(t, err, tt.want)
		})
	}
}

func TestAMistakeInTheEnvironmentIsToldWithItsVariable(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"a wrong value", []string{"NATFTPD_FTP_LISTEN=21"},
			`environment NATFTPD_FTP_LISTEN: ftp.listen: "21" is a port without its colon; write ":21"`},
		{"a wrong value in a list", []string{"NATFTPD_NAT_LAN_NETWORKS=auto, 10.0.0.1/8"},
			`environment NATFTPD_NAT_LAN_NETWORKS: nat.lan_networks: "10.0.0.1/8" is an address inside a network; write 10.0.0.0/8`},
		{"a mistyped variable", []string{"NATFTPD_FTP_LISTN=:21"},
			`environment NATFTPD_FTP_LISTN: is no variable of natftpd; set NATFTPD_FTP_LISTEN`},
		{"a variable of nothing", []string{"NATFTPD_ANONYMOUS_ENABLE=1"},
			`environment NATFTPD_ANONYMOUS_ENABLE: is no variable of natftpd; unset it; natftpd config example prints every key`},
		{"a list that is only for the file", []string{"NATFTPD_USERS=alice"},
			`environment NATFTPD_USERS: is no variable of natftpd; set NATFTPD_USER`},
		{"a port that looks like one of Kubernetes", []string{"NATFTPD_PORT=2121"},
			`environment NATFTPD_PORT: is no variable of natftpd; unset it; natftpd config example prints every key`},
		{"a password without a user", []string{"NATFTPD_PASSWORD=secret"},
			`environment NATFTPD_PASSWORD: belongs to no user; set NATFTPD_USER, too`},
		{"a user without a password", []string{"NATFTPD_USER=bob"},
			`environment NATFTPD_USER: users.password: is missing for bob; set NATFTPD_PASSWORD or NATFTPD_PASSWORD_FILE`},
		{"a name with a colon", []string{"NATFTPD_USER=bob:x", "NATFTPD_PASSWORD=$x$x"},
			`environment NATFTPD_USER: users.name: "bob:x" has a space, a colon or a control character in it; write what the user types to log in, for example alice`},
		{"two passwords", []string{"NATFTPD_USER=bob", "NATFTPD_PASSWORD=$x$x", "NATFTPD_PASSWORD_FILE=natftpd.yaml"},
			`environment NATFTPD_PASSWORD_FILE: is set beside NATFTPD_PASSWORD; unset one of them`},
		{"a password file that is not there", []string{"NATFTPD_USER=bob", "NATFTPD_PASSWORD_FILE=none"},
			`environment NATFTPD_PASSWORD_FILE: open none: no such file or directory; name a file with the password`},
		{"a user of the file", []string{"NATFTPD_USER=carol", "NATFTPD_PASSWORD=$x$x"},
			`environment NATFTPD_USER: users.name: "carol" is there already, in natftpd.yaml:1; give each user another name`},
		{"a file that is not there", []string{"NATFTPD_CONFIG=none.yaml"},
			`environment NATFTPD_CONFIG: open none.yaml: no such file or directory; name a file that can be read; natftpd config example prints one to begin with`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, "users: [{name: carol, home: /srv, password: $x$x}]\n", tt.env...)
			expectMistakes(t, err, tt.want)
		})
	}
}

func TestAllMistakesAreToldAtOnceInOrder(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "natftpd.yaml", `
nat:
  lease: 1m
  stun_servers: [stun.example.org, 10.0.0.1:0]
ftp: {listen: 21, active_mode: 1}
users:
  - name: a b
  - {name: anonymous, home: /srv, password: x}
logs: {}
`)
	_, err := conf.Load(conf.Source{
		Search:  []string{"natftpd.yaml"},
		Environ: []string{"NATFTPD_TLS_MODE=always", "NATFTPD_HOME=/srv"},
		Flags:   []conf.Flag{{Name: "log-level", Key: "log.level", Value: "loud"}},
	})
	expectMistakes(t, err, strings.TrimSpace(`
natftpd.yaml:3:10: nat.lease: "1m" is shorter than 2m; write a time from 2m to 168h, for example 1h, or 0 for a mapping that never ends
natftpd.yaml:4:18: nat.stun_servers: "stun.example.org" has no port; write stun.example.org:3478, or the port that its operator names
natftpd.yaml:4:36: nat.stun_servers: "10.0.0.1:0" is no host:port; write host:port for each, for example [stun.cloudflare.com:3478, stun.nextcloud.com:3478], or [] for none
natftpd.yaml:5:15: ftp.listen: "21" is a port without its colon; write ":21"
natftpd.yaml:5:32: ftp.active_mode: "1" is neither true nor false; write true or false
natftpd.yaml:7:5: users.home: is missing; write the folder that the user sees, for example /srv/ftp/alice
natftpd.yaml:7:11: users.name: "a b" has a space, a colon or a control character in it; write what the user types to log in, for example alice
natftpd.yaml:8:45: users.password: is set for anonymous, whom every password lets in; remove it, or give the user another name
natftpd.yaml:9:1: logs: is no key; write log
environment NATFTPD_HOME: belongs to no user; set NATFTPD_USER, too
environment NATFTPD_TLS_MODE: tls.mode: "always" is none of its values; write off, optional or required
flag --log-level: log.level: "loud" is none of its values; write debug, info, warn or error`))
}

func expectMistakes(t *testing.T, err error, want string) {
	t.Helper()
	var mistakes *conf.Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("got %v, want mistakes", err)
	}
	if got := mistakes.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
