package conf

import (
	"log/slog"
	"net/netip"
	"strconv"
	"time"
)

// mostSessions is far above what one host serves.
const mostSessions = 1_000_000

// keys is the table that everything follows from: defaults, file, environment,
// flags, and what is shown. A new key is a new row here and a paragraph in
// example.yaml. The columns: key, default, what to write instead of a mistake,
// the field of Config, how a text becomes a value, and how it becomes a text.
func keys() []row[Config] {
	return []row[Config]{
		one("ftp.listen", ":2121", `write :port or address:port, for example ":2121"`,
			func(c *Config) *string { return &c.FTP.Listen }, listen, quoted),
		one("ftp.listen_tls", "", `write :port or address:port, for example ":990", or "" for none`,
			func(c *Config) *string { return &c.FTP.ListenTLS }, optional(listen), quoted),
		one("ftp.passive_ports", "50000-50009", "write first-last, for example 50000-50009",
			func(c *Config) *PortRange { return &c.FTP.PassivePorts }, passivePorts, PortRange.String),
		one("ftp.active_mode", "true", "write true or false",
			func(c *Config) *bool { return &c.FTP.ActiveMode }, boolean, showBool),
		one("ftp.idle_timeout", "15m", "write a time with its unit, for example 15m",
			func(c *Config) *time.Duration { return &c.FTP.IdleTimeout }, duration(10*time.Second, 24*time.Hour), showDuration),
		one("ftp.data_timeout", "30s", "write a time with its unit, for example 30s",
			func(c *Config) *time.Duration { return &c.FTP.DataTimeout }, duration(5*time.Second, 10*time.Minute), showDuration),
		one("ftp.max_sessions", "250", "write a whole number, or 0 for no bound",
			func(c *Config) *int { return &c.FTP.MaxSessions }, count(0, mostSessions), strconv.Itoa),
		one("ftp.max_sessions_per_ip", "20", "write a whole number, or 0 for no bound",
			func(c *Config) *int { return &c.FTP.MaxSessionsPerIP }, count(0, mostSessions), strconv.Itoa),
		one("ftp.max_sessions_per_user", "50", "write a whole number, or 0 for no bound",
			func(c *Config) *int { return &c.FTP.MaxSessionsPerUser }, count(0, mostSessions), strconv.Itoa),
		one("ftp.new_sessions_per_ip", "20", "write how many may begin in a second, or 0 for no bound",
			func(c *Config) *int { return &c.FTP.NewSessionsPerIP }, count(0, 10_000), strconv.Itoa),
		one("ftp.upload", "atomic", "write atomic or direct",
			func(c *Config) *Upload { return &c.FTP.Upload }, choice(UploadAtomic, UploadDirect), showChoice),
		one("ftp.upload_sync", "false", "write true or false",
			func(c *Config) *bool { return &c.FTP.UploadSync }, boolean, showBool),
		one("ftp.keep_partial", "72h", "write a time with its unit, for example 72h",
			func(c *Config) *time.Duration { return &c.FTP.KeepPartial }, duration(time.Minute, 8760*time.Hour), showDuration),
		one("ftp.umask", "", `write an octal number in quotes, for example "022", or "" for that of the process`,
			func(c *Config) *Umask { return &c.FTP.Umask }, umask, Umask.String),
		one("ftp.owner", "", `write user or user:group, by name or number, for example "1000:1000", or "" for whoever runs the server`,
			func(c *Config) *Owner { return &c.FTP.Owner }, owner, Owner.String),

		one("bans.after", "10", "write how many wrong passwords, or 0 to ban nobody",
			func(c *Config) *int { return &c.Bans.After }, count(0, 1000), strconv.Itoa),
		one("bans.time", "15m", "write a time with its unit, for example 15m",
			func(c *Config) *time.Duration { return &c.Bans.Time }, duration(time.Second, 8760*time.Hour), showDuration),
		one("bans.max_time", "24h", "write a time with its unit, for example 24h",
			func(c *Config) *time.Duration { return &c.Bans.MaxTime }, duration(time.Second, 8760*time.Hour), showDuration),
		many("bans.exempt", "lan", "write lan, addresses and networks, for example [lan, 198.51.100.7], or [] for nobody",
			func(c *Config) *Clients { return &c.Bans.Exempt }, clients, Clients.String),

		one("nat.external_address", "auto", "write auto, an IPv4 address or a host name, for example home.example.org",
			func(c *Config) *ExternalAddress { return &c.NAT.ExternalAddress }, externalAddress, ExternalAddress.String),
		many("nat.port_mapping", "auto", "write auto, off, or a list of methods, for example [pcp, upnp]",
			func(c *Config) *PortMapping { return &c.NAT.PortMapping }, portMapping, PortMapping.String),
		one("nat.external_control_port", "0", "write a port from 1 to 65535, or 0 for the port of ftp.listen",
			func(c *Config) *uint16 { return &c.NAT.ExternalControlPort }, port, showPort),
		many("nat.stun_servers", "stun.cloudflare.com:3478, stun.l.google.com:19302, stun.nextcloud.com:3478",
			"write host:port for each, for example [stun.cloudflare.com:3478, stun.nextcloud.com:3478], or [] for none",
			func(c *Config) *[]string { return &c.NAT.STUNServers }, stunServer, showList),
		many("nat.lan_networks", "auto", "write auto, networks, or both, for example [auto, 192.168.7.0/24]",
			func(c *Config) *LANNetworks { return &c.NAT.LANNetworks }, lanNetwork, LANNetworks.String),
		entries("nat.address_overrides", "write a list, for example [{clients: 10.8.0.0/24, address: local}]",
			func(c *Config) *[]AddressOverride { return &c.NAT.AddressOverrides }, overrideKeys()),
		one("nat.lease", "1h", "write a time from 2m to 168h, for example 1h, or 0 for a mapping that never ends",
			func(c *Config) *time.Duration { return &c.NAT.Lease }, lease, showDuration),
		one("nat.check_interval", "15s", "write a time with its unit, for example 15s",
			func(c *Config) *time.Duration { return &c.NAT.CheckInterval }, duration(5*time.Second, 10*time.Minute), showDuration),
		one("nat.ipv6_pinholes", "true", "write true or false",
			func(c *Config) *bool { return &c.NAT.IPv6Pinholes }, boolean, showBool),
		one("nat.max_segment_size", "auto", "write auto, 0 for the system's choice, or bytes from 536 to 1460, for example 1440",
			func(c *Config) *SegmentSize { return &c.NAT.MaxSegmentSize }, segmentSize, SegmentSize.String),

		one("tls.mode", "optional", "write off, optional or required",
			func(c *Config) *TLSMode { return &c.TLS.Mode }, choice(TLSOff, TLSOptional, TLSRequired), showChoice),
		one("tls.certificate", "", "write the path of a PEM file",
			func(c *Config) *string { return &c.TLS.Certificate }, filePath, quoted),
		one("tls.key", "", "write the path of a PEM file",
			func(c *Config) *string { return &c.TLS.Key }, filePath, quoted),

		entries("users", "write a list, for example [{name: alice, password: …, home: /srv/ftp/alice}]",
			func(c *Config) *[]User { return &c.Users }, userKeys()),

		one("status.listen", "127.0.0.1:8021", `write address:port, for example "127.0.0.1:8021", or off for none`,
			func(c *Config) *string { return &c.Status.Listen }, statusListen, quoted),
		one("status.password", "", "write a hash made by natftpd hash-password",
			func(c *Config) *string { return &c.Status.Password }, text, showSecret).kept(),

		entries("hooks", "write a list, for example [{on: [upload], command: [/usr/local/bin/thumbnail]}]",
			func(c *Config) *[]Hook { return &c.Hooks }, hookKeys()),

		one("log.level", "info", "write debug, info, warn or error",
			func(c *Config) *slog.Level { return &c.Log.Level }, level, showLevel),
		one("log.format", "text", "write text or json",
			func(c *Config) *string { return &c.Log.Format }, choice("text", "json"), showChoice),
		one("log.xferlog", "", "write the path of a file",
			func(c *Config) *string { return &c.Log.Xferlog }, filePath, quoted),
		one("state_dir", "", "write the path of a folder",
			func(c *Config) *string { return &c.StateDir }, filePath, quoted),
	}
}

func overrideKeys() []row[AddressOverride] {
	return []row[AddressOverride]{
		one("clients", "", "write a network, for example 10.8.0.0/24",
			func(o *AddressOverride) *netip.Prefix { return &o.Clients }, prefix, showPrefix).mandatory(),
		one("address", "", "write local, or the IPv4 address to tell these clients",
			func(o *AddressOverride) *AddressOverride { return o }, overrideAddress, showOverrideAddress).mandatory(),
	}
}

func userKeys() []row[User] {
	return []row[User]{
		one("name", "", "write what the user types to log in, for example alice",
			func(u *User) *string { return &u.Name }, userName, quoted).mandatory(),
		one("password", "", "write a hash made by natftpd hash-password",
			func(u *User) *string { return &u.Password }, text, showSecret).kept(),
		one("home", "", "write the folder that the user sees, for example /srv/ftp/alice",
			func(u *User) *string { return &u.Home }, homeFolder, quoted).mandatory(),
		one("access", "", "write read-write, read-only or upload-only",
			func(u *User) *Access { return &u.Access }, choice(ReadWrite, ReadOnly, UploadOnly), showChoice),
		one("start", "", "write a folder of the home as the user sees it, for example /inbox",
			func(u *User) *string { return &u.Start }, startFolder, quoted),
		one("quota", "", "write bytes, for example 100GB, or 0 for no bound",
			func(u *User) *int64 { return &u.Quota }, amount, showAmount),
		one("max_rate", "", "write bytes a second, for example 5MB, or 0 for no bound",
			func(u *User) *int64 { return &u.MaxRate }, rate, showAmount),
		many("allow_from", "", "write lan, addresses and networks, for example [lan, 198.51.100.0/24], or [] for everywhere",
			func(u *User) *Clients { return &u.AllowFrom }, clients, Clients.String),
	}
}
