package nattest

import (
	"bytes"
	"fmt"
	"strings"
)

// answerSearches is the SSDP responder (UPnP Device Architecture, section
// 1.3). It answers only what is asked for exactly, as strict routers do.
func (r *Router) answerSearches() {
	buf := make([]byte, 2048)
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
		if does.SearchSilent || !does.offers(target) {
			continue
		}
		answer := does.SearchAnswer
		if answer == nil {
			answer = []byte("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: " + target +
				"\r\nUSN: " + udn + "::" + target + "\r\nEXT:\r\nSERVER: fake/1 UPnP/1.1 nattest/1\r\n" +
				"LOCATION: LOCATION\r\nBOOTID.UPNP.ORG: 1\r\n\r\n")
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
	if target == "ssdp:all" || target == b.deviceType("InternetGatewayDevice") {
		return true
	}
	for _, s := range b.services() {
		if target == "urn:schemas-upnp-org:service:"+s.Type {
			return true
		}
	}
	return false
}

// location is the URL of the description.
func (r *Router) location(does Behaviour) string {
	host := does.LocationHost
	if host == "" {
		host = r.Address().String()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("http://%s:%d/%d/desc.xml", host, r.webPort, r.boots)
}
