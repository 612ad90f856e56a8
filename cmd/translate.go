package cmd

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"os/user"
	"path/filepath"
	"strconv"

	"natftpd/conf"
	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/natdiscovery/gateway"
	"natftpd/server"
)

// What the operator wrote, in the words of each package.

// accountsOf are the users of the configuration, or the one user there is
// without one.
func accountsOf(loaded *conf.Loaded, stateDir string, greeting *greeting, log *slog.Logger) ([]driver.User, error) {
	if loaded.NoUsers {
		hash, shown, file, err := firstPassword(stateDir)
		if err != nil {
			return nil, err
		}
		if file == "" {
			log.Warn("the password cannot be kept, the next start makes another one", "folder", stateDir)
		}
		greeting.password, greeting.passwordFile = shown, file
		return []driver.User{{Name: firstUser, Password: hash, Home: firstHome, Access: driver.ReadWrite}}, nil
	}
	return usersOf(loaded), nil
}

// homesOf are the homes of all users.
func homesOf(loaded *conf.Loaded) []string {
	if loaded.NoUsers {
		return []string{firstHome}
	}
	var homes []string
	for _, u := range loaded.Users {
		homes = append(homes, u.Home)
	}
	return homes
}

func usersOf(loaded *conf.Loaded) []driver.User {
	var users []driver.User
	for _, u := range loaded.Users {
		users = append(users, driver.User{
			Name:      u.Name,
			Password:  u.Password,
			Home:      u.Home,
			Access:    driver.Access(u.Access),
			Start:     u.Start,
			Quota:     u.Quota,
			MaxRate:   u.MaxRate,
			AllowFrom: originsOf(u.AllowFrom),
		})
	}
	return users
}

func originsOf(c conf.Clients) driver.Origins {
	return driver.Origins{LAN: c.LAN, Prefixes: c.Prefixes}
}

// bansOf keeps the bans in stateDir.
func bansOf(c conf.Bans, stateDir string, log *slog.Logger) (*driver.Bans, error) {
	rules := banRulesOf(c)
	rules.File, rules.Log = filepath.Join(stateDir, "bans.json"), log
	return driver.NewBans(rules)
}

func banRulesOf(c conf.Bans) driver.BanConfig {
	return driver.BanConfig{Failures: c.After, First: c.Time, Longest: c.MaxTime, Exempt: originsOf(c.Exempt)}
}

func limitsOf(c conf.FTP) driver.Limits {
	return driver.Limits{
		InAll:        c.MaxSessions,
		PerAddress:   c.MaxSessionsPerIP,
		PerUser:      c.MaxSessionsPerUser,
		NewPerSecond: c.NewSessionsPerIP,
	}
}

// filesOf looks the owner up on this host.
func filesOf(c conf.FTP, log *slog.Logger) (driver.Files, error) {
	files := driver.Files{
		Atomic:      c.Upload == conf.UploadAtomic,
		Sync:        c.UploadSync,
		KeepPartial: c.KeepPartial,
		Log:         log,
	}
	if c.Umask.Set {
		files.Umask = &c.Umask.Mode
	}
	if c.Owner.User != "" {
		owner, err := ownerOf(c.Owner)
		if err != nil {
			return files, invalidError{fmt.Errorf("ftp.owner: %w; write names that this host knows, or numbers", err)}
		}
		files.Owner = &owner
	}
	return files, nil
}

// ownerOf knows numbers without asking the host: in a container they seldom have
// names.
func ownerOf(c conf.Owner) (driver.Owner, error) {
	uid, err := strconv.Atoi(c.User)
	gid := -1 // as it is
	if err != nil {
		u, err := user.Lookup(c.User)
		if err != nil {
			return driver.Owner{}, err
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return driver.Owner{}, fmt.Errorf("user %s has no number here: %w", c.User, err)
		}
		if gid, err = strconv.Atoi(u.Gid); err != nil {
			return driver.Owner{}, fmt.Errorf("group of user %s has no number here: %w", c.User, err)
		}
	}
	if c.Group == "" {
		return driver.Owner{UID: uid, GID: gid}, nil
	}
	if gid, err = strconv.Atoi(c.Group); err == nil {
		return driver.Owner{UID: uid, GID: gid}, nil
	}
	g, err := user.LookupGroup(c.Group)
	if err != nil {
		return driver.Owner{}, err
	}
	if gid, err = strconv.Atoi(g.Gid); err != nil {
		return driver.Owner{}, fmt.Errorf("group %s has no number here: %w", c.Group, err)
	}
	return driver.Owner{UID: uid, GID: gid}, nil
}

func overridesOf(c conf.NAT) []server.Override {
	var all []server.Override
	for _, o := range c.AddressOverrides {
		all = append(all, server.Override{Clients: o.Clients, Addr: o.Addr}) // the zero Addr where it is local
	}
	return all
}

// serviceOf is what serves by a configuration; base has what is none of its.
func serviceOf(base server.Config, c conf.Config, channel *tls.Config) server.Config {
	base.Listen = c.FTP.Listen
	base.ListenTLS = c.FTP.ListenTLS
	base.PassiveFirst = c.FTP.PassivePorts.First
	base.PassiveLast = c.FTP.PassivePorts.Last
	base.ActiveMode = c.FTP.ActiveMode
	base.IdleTimeout = c.FTP.IdleTimeout
	base.DataTimeout = c.FTP.DataTimeout
	base.Overrides = overridesOf(c.NAT)
	base.TLS = channel
	base.TLSRequired = c.TLS.Mode == conf.TLSRequired
	return base
}

// discoveryOf says what is to be reached from outside. implicit is the zero AddrPort
// where there is no such port; one that only this host can reach needs no mapping.
func discoveryOf(c conf.Config, listening, implicit netip.AddrPort, log *slog.Logger) natdiscovery.Config {
	var methods []gateway.Method
	for _, m := range c.NAT.PortMapping.Methods {
		methods = append(methods, gateway.Method(m))
	}
	if implicit.IsValid() && localOnly(implicit) {
		implicit = netip.AddrPort{}
	}
	return natdiscovery.Config{
		Log:                 log,
		ControlPort:         listening.Port(),
		ExternalControlPort: c.NAT.ExternalControlPort,
		ImplicitPort:        implicit.Port(),
		FirstPassive:        c.FTP.PassivePorts.First,
		LastPassive:         c.FTP.PassivePorts.Last,
		ExternalAddress:     c.NAT.ExternalAddress.Addr,
		ExternalHost:        c.NAT.ExternalAddress.Host,
		Methods:             methods,
		Pinholes:            c.NAT.IPv6Pinholes,
		InterfaceLANs:       c.NAT.LANNetworks.Auto,
		LANs:                c.NAT.LANNetworks.Prefixes,
		Lease:               c.NAT.Lease,
		CheckInterval:       c.NAT.CheckInterval,
		STUNServers:         c.NAT.STUNServers,
	}
}
