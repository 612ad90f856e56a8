package conf

import (
	"fmt"
	"net"
	"net/netip"
)

// check compares values with each other. A value that is a mistake by itself is
// not compared: one mistake is told once.
func (l *loader) check() {
	l.checkPorts()
	l.checkListenTLS()
	if l.sound("bans.time", "bans.max_time") && l.Bans.Time > l.Bans.MaxTime {
		l.wrong(l.latest("bans.max_time", "bans.time"), "bans.max_time", fmt.Sprintf("%s is shorter than bans.time, %s", showDuration(l.Bans.MaxTime), showDuration(l.Bans.Time)),
			"write the longest ban, for example 24h")
	}
	l.checkPair("tls.certificate", l.TLS.Certificate, "tls.key", l.TLS.Key)
	l.checkPair("tls.key", l.TLS.Key, "tls.certificate", l.TLS.Certificate)
	if n := len(l.NAT.STUNServers); n == 1 && l.sound("nat.stun_servers") {
		l.wrong(l.at("nat.stun_servers"), "nat.stun_servers", "is one server, but two must agree before an address is believed",
			"write at least two of different operators, or [] for none")
	}
	if l.sound("nat.external_address", "nat.port_mapping", "nat.stun_servers") &&
		l.NAT.ExternalAddress.Auto && l.NAT.PortMapping.Off() && len(l.NAT.STUNServers) == 0 {
		l.warn(l.at("nat.stun_servers"), "nat.external_address",
			"is auto, but with nat.port_mapping off and no nat.stun_servers nothing can tell it: outside clients are told the LAN address")
	}
	l.checkOverrides()
	l.checkUsers()
	l.checkHooks()
	l.checkStatus()
}

// checkStatus wants a password where others than this machine can ask.
func (l *loader) checkStatus() {
	const key, passwordKey, makeOne = "status.listen", "status.password", "write a hash made by natftpd hash-password"
	if l.Status.Password != "" && l.sound(passwordKey) && l.source.CheckPassword != nil {
		l.accept(l.source.CheckPassword(l.Status.Password), l.at(passwordKey), passwordKey, passwordKey, makeOne)
	}
	host, number, err := net.SplitHostPort(l.Status.Listen)
	if !l.sound(key, passwordKey) || err != nil {
		return
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.Unmap().IsLoopback()) {
		if l.Status.Password == "" {
			l.wrong(l.at(key), passwordKey, fmt.Sprintf("is empty, but %s %q lets others than this machine ask", key, l.Status.Listen),
				makeOne+`, or listen on "127.0.0.1:`+number+`"`)
			return
		}
		l.warn(l.at(key), key, "lets others than this machine ask, and the password passes the network in clear: use it in a LAN that you trust, or behind a proxy with HTTPS")
	}
	var status uint16
	if port(&status, number) != nil || status == 0 {
		return
	}
	for other, listens := range map[string]string{"ftp.listen": l.FTP.Listen, "ftp.listen_tls": l.FTP.ListenTLS} {
		if _, taken, err := net.SplitHostPort(listens); l.sound(other) && err == nil && taken == number {
			l.wrong(l.latest(key, other), key, fmt.Sprintf("%d is the port of %s, too", status, other), "write another port")
		}
	}
	if rangeKey := "ftp.passive_ports"; l.sound(rangeKey) && l.FTP.PassivePorts.Contains(status) {
		l.wrong(l.latest(key, rangeKey), key, fmt.Sprintf("%d is one of %s %s", status, rangeKey, l.FTP.PassivePorts), "write a port outside of them")
	}
}

func (l *loader) checkPorts() {
	const rangeKey, listenKey, externalKey = "ftp.passive_ports", "ftp.listen", "nat.external_control_port"
	if !l.sound(rangeKey) {
		return
	}
	ports := l.FTP.PassivePorts
	var control uint16
	if _, number, err := net.SplitHostPort(l.FTP.Listen); err == nil && port(&control, number) == nil &&
		l.sound(listenKey) && ports.Contains(control) {
		l.wrong(l.latest(rangeKey, listenKey), rangeKey, fmt.Sprintf("%s holds %d, the port of %s", ports, control, listenKey),
			"write ports that no other key uses")
	}
	// External and internal port are the same for data connections, so the
	// gateway can't give one port to both.
	if external := l.NAT.ExternalControlPort; l.sound(externalKey) && external != control && ports.Contains(external) {
		l.wrong(l.latest(rangeKey, externalKey), externalKey, fmt.Sprintf("%d is one of %s %s", external, rangeKey, ports),
			"write a port outside of them")
	}
	if n := ports.Len(); n > manyPorts && l.sound("nat.port_mapping") && !l.NAT.PortMapping.Off() {
		l.warn(l.at(rangeKey), rangeKey, fmt.Sprintf("%s are %d ports, each a mapping in a table of the router that may be small; ten serve many clients at once", ports, n))
	}
}

// checkListenTLS wants a port that nothing else listens on, and TLS.
func (l *loader) checkListenTLS() {
	const key, listenKey, rangeKey, modeKey = "ftp.listen_tls", "ftp.listen", "ftp.passive_ports", "tls.mode"
	var implicit, control uint16
	_, number, err := net.SplitHostPort(l.FTP.ListenTLS)
	if !l.sound(key) || err != nil || port(&implicit, number) != nil || implicit == 0 {
		return
	}
	if _, number, err := net.SplitHostPort(l.FTP.Listen); l.sound(listenKey) && err == nil && port(&control, number) == nil && control == implicit {
		l.wrong(l.at(key), key, fmt.Sprintf("%d is the port of %s, too", implicit, listenKey), "write another port")
	}
	if l.sound(rangeKey) && l.FTP.PassivePorts.Contains(implicit) {
		l.wrong(l.at(key), key, fmt.Sprintf("%d is one of %s %s", implicit, rangeKey, l.FTP.PassivePorts), "write a port outside of them")
	}
	if l.sound(modeKey) && l.TLS.Mode == TLSOff {
		l.wrong(l.at(key), key, "is set, but tls.mode is off", `write "", or tls.mode: optional`)
	}
}

// manyPorts is where the tables of home routers begin to matter: some hold 32
// entries for all devices together (Linksys).
const manyPorts = 20

// latest is where the later of two keys was written, leaving out defaults: the
// operator is sent to a line that exists.
func (l *loader) latest(a, b string) place {
	if p := l.at(a); p.source != "default" {
		return p
	}
	return l.at(b)
}

// checkPair demands b where a is set.
func (l *loader) checkPair(a, aValue, b, bValue string) {
	if l.sound(a, b) && aValue != "" && bValue == "" {
		l.wrong(l.at(a), a, "is set without "+b, "write both, or neither for a self-signed certificate")
	}
}

// checkOverrides finds overrides that no client can reach, since the first match
// wins.
func (l *loader) checkOverrides() {
	const key = "nat.address_overrides"
	for i, later := range l.NAT.AddressOverrides {
		for j, earlier := range l.NAT.AddressOverrides[:i] {
			at, before := fmt.Sprintf("%s[%d].clients", key, i), fmt.Sprintf("%s[%d].clients", key, j)
			if l.sound(at, before) && earlier.Clients.Bits() <= later.Clients.Bits() && earlier.Clients.Contains(later.Clients.Addr()) {
				l.wrong(l.at(at), key+".clients", fmt.Sprintf("%s is never reached: %s in line %d comes first", later.Clients, earlier.Clients, l.at(before).line),
					"write the smaller network first")
				break
			}
		}
	}
}
