package nattest

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// busyTime is how soon after another a search is lost on a router that answers one
// at a time.
const busyTime = 5 * time.Millisecond

// answerSearches is the SSDP responder (UPnP Device Architecture, section
// 1.3). It answers only what is asked for exactly, as strict routers do.
func (r *Router) answerSearches() {
	buf := make([]byte, 2048)
	var last time.Time
	for {
		n, from, err := r.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed
		}
		target, ok := searchTarget(string(buf[:n]))
		if !ok {
			continue
		}
		does := r.count("M-SEARCH")
		busy := does.SearchOne && time.Since(last) < busyTime
		last = time.Now()
		if busy || does.SearchSilent || !does.offers(target) {
			continue
		}
		answer := does.SearchAnswer
		if answer == nil {
			answer = []byte("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: " + target +
				"\r\nUSN: " + udn + "::" + target + "\r\nEXT:\r\nSERVER: fake/1 UPnP/1.1 nattest/1\r\n" +
				"LOCATION: LOCATION\r\n" + r.bootID(does) + "\r\n")
		}
		answer = bytes.ReplaceAll(answer, []byte(": LOCATION"), []byte(": "+r.location(does)))
		for range 1 + does.SearchCopies {
			// The searcher may have gone; a router does not mind.
			_, _ = r.udp.WriteToUDPAddrPort(answer, from)
		}
	}
}

// searchTarget is what a search is for, if the datagram is one.
func searchTarget(datagram string) (string, bool) {
	lines := strings.Split(datagram, "\r\n")
	if lines[0] != "M-SEARCH * HTTP/1.1" || !strings.HasSuffix(datagram, "\r\n\r\n") {
		return "", false
	}
	header := map[string]string{}
	for _, line := range lines[1:] {
		if name, value, ok := strings.Cut(line, ":"); ok {
			header[strings.ToUpper(name)] = strings.TrimSpace(value)
		}
	}
	ok := header["HOST"] != "" && header["MAN"] == `"ssdp:discover"` && header["MX"] != ""
	return header["ST"], ok
}

// offers says whether the router has what a search is for.
func (b Behaviour) offers(target string) bool {
	if b.SearchOnly != "" {
		return target == b.SearchOnly
	}
	if target == "ssdp:all" || target == b.deviceType("InternetGatewayDevice") {
		return true
	}
	for _, s := range b.services() {
		if target == s.urn() {
			return true
		}
	}
	return false
}

// location is the URL of the description.
func (r *Router) location(does Behaviour) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	host := netip.AddrPortFrom(r.at, r.webPort).String()
	if does.LocationHost != "" {
		host = fmt.Sprintf("%s:%d", does.LocationHost, r.webPort)
	}
	return fmt.Sprintf("http://%s/%d/desc.xml", host, r.boots)
}

// bootID is the header's line that tells one start of the router from another
// (UPnP Device Architecture 1.1, section 1.2.2).
func (r *Router) bootID(does Behaviour) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if does.NoBootID {
		return ""
	}
	return fmt.Sprintf("BOOTID.UPNP.ORG: %d\r\n", r.boots)
}

// Announce sends what the router announces with this NTS, like "ssdp:alive", to
// one address instead of to the multicast group (UPnP Device Architecture, section
// 1.2). An update says that the next alive has another boot id.
func (r *Router) Announce(t testing.TB, to netip.AddrPort, nts string) {
	t.Helper()
	r.mu.Lock()
	does := r.does
	r.mu.Unlock()
	for _, target := range []string{"upnp:rootdevice", does.deviceType("InternetGatewayDevice"), does.services()[0].urn()} {
		header := "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: " + target + "\r\nNTS: " + nts +
			"\r\nUSN: " + udn + "::" + target + "\r\n" + r.bootID(does)
		switch nts {
		case "ssdp:alive":
			header += "CACHE-CONTROL: max-age=1800\r\nLOCATION: " + r.location(does) + "\r\n"
		case "ssdp:update":
			header += "NEXTBOOTID.UPNP.ORG: 9\r\nLOCATION: " + r.location(does) + "\r\n"
		}
		if _, err := r.udp.WriteToUDPAddrPort([]byte(header+"\r\n"), to); err != nil {
			t.Errorf("announce %s to %s: %v", nts, to, err)
		}
	}
}
