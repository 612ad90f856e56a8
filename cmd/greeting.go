package cmd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"

	"natftpd/conf"
	"natftpd/driver"
	"natftpd/natdiscovery"
)

// greeting is what a person reads at the start: where the server listens, who
// may log in, and the address to give to friends, or what is in the way of it.
type greeting struct {
	out io.Writer
	// password is user ftp's, to be shown this once; passwordFile keeps its
	// hash, "": nothing does.
	password, passwordFile string
	// page is the status page's URL; "": there is none.
	page string
}

// say prints one fact.
func (g *greeting) say(what, format string, a ...any) {
	fmt.Fprintf(g.out, "  %-14s%s\n", what, fmt.Sprintf(format, a...))
}

// started tells what is known as soon as the ports are open.
func (g *greeting) started(loaded *conf.Loaded, listening, implicit netip.AddrPort, users []driver.User) {
	fmt.Fprintln(g.out, version())
	source := loaded.Path
	if source == "" {
		source = "none, the defaults hold (natftpd config example)"
	}
	g.say("configuration", "%s", source)
	kind := map[conf.TLSMode]string{conf.TLSOff: "FTP without TLS", conf.TLSOptional: "FTP, TLS if the client asks", conf.TLSRequired: "FTP, TLS required"}
	host := "every address"
	if !listening.Addr().IsUnspecified() {
		host = listening.Addr().Unmap().String()
	}
	g.say("listening", "%s, port %d; data ports %d-%d; %s", host, listening.Port(),
		loaded.FTP.PassivePorts.First, loaded.FTP.PassivePorts.Last, kind[loaded.TLS.Mode])
	if implicit.IsValid() {
		g.say("", "port %d; FTP over TLS from the first byte (implicit FTPS)", implicit.Port())
	}
	for _, u := range users {
		g.say("user", "%s, %s, %s", u.Name, u.Access, u.Home)
	}
	switch {
	case g.password != "" && g.passwordFile == "":
		g.say("password", "%s   (of user %s, for this run alone: it cannot be kept)", g.password, firstUser)
	case g.password != "":
		g.say("password", "%s   (of user %s; shown this once, and kept only as a hash)", g.password, firstUser)
	case g.passwordFile != "":
		g.say("password", "the one shown at the first start; for a new one remove %s", g.passwordFile)
	}
	if g.page != "" {
		g.say("status page", "%s", g.page)
	}
	g.say("on this host", "%s", address(netip.AddrPortFrom(here(listening.Addr()), listening.Port())))
	if localOnly(listening) {
		g.say("from outside", "nobody: ftp.listen names this host alone")
	}
}

// here is an address of ours that reaches a listener on addr from this host.
func here(addr netip.Addr) netip.Addr {
	if addr.IsUnspecified() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return addr.Unmap()
}

// watch tells how neighbours and friends reach us, as soon as that is known. What
// changes later is the log's.
func (g *greeting) watch(ctx context.Context, discovery *natdiscovery.Discovery) {
	inLAN := false
	for {
		changed, st := discovery.Changed(), discovery.Status()
		if !inLAN && st.Network.Local.IsValid() {
			inLAN = true
			g.say("in the LAN", "%s", address(netip.AddrPortFrom(st.Network.Local, st.Control.Internal)))
		}
		if st.Verdict != natdiscovery.VerdictLooking && st.Verdict != "" {
			g.say("from outside", "%s", outside(st))
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// outside is the address to give to friends, or the one line that says what is
// in the way.
func outside(st *natdiscovery.Status) string {
	friends := address(netip.AddrPortFrom(st.External, st.Control.External))
	var parts []string
	switch st.Verdict {
	case natdiscovery.Reachable:
		parts = append(parts, friends)
	case natdiscovery.ForwardedByHand:
		parts = append(parts, friends+" if the router forwards it")
	default:
		parts = append(parts, fmt.Sprintf("not reachable: %s", st.Verdict))
	}
	if st.Advice != "" {
		parts = append(parts, st.Advice)
	}
	return strings.Join(parts, "; ")
}

// address is what a person types into an FTP client.
func address(a netip.AddrPort) string {
	host := a.Addr().String()
	if a.Port() != 21 {
		host = net.JoinHostPort(host, fmt.Sprint(a.Port()))
	} else if a.Addr().Is6() {
		host = "[" + host + "]"
	}
	return "ftp://" + host
}
