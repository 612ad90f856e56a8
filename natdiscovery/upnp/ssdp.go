package upnp

import (
	"bytes"
	"cmp"
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const (
	ssdpPort    = 1900
	maxDatagram = 2048 // bytes read of a datagram; real ones have some 400
)

// The multicast groups of SSDP (UDA 1.1; UDA 2.0, appendix A): IPv4's, and
// IPv6's of the link and of the site.
var (
	group      = netip.MustParseAddr("239.255.255.250")
	group6     = netip.MustParseAddr("ff02::c")
	groupSite6 = netip.MustParseAddr("ff05::c")
)

// splitSSDP takes a datagram of SSDP apart: the words of its first line, and the
// header by names in upper case. It takes whatever line ends there are.
func splitSSDP(b []byte) (start []string, header map[string]string) {
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	header = map[string]string{}
	for line := range bytes.Lines(rest) {
		name, value, _ := strings.Cut(string(line), ":")
		header[strings.ToUpper(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return strings.Fields(string(first)), header
}

// locate reads where a description is: on the host that says so, wherever the
// text points. Of that only the port and the path count.
func locate(text string, from netip.Addr) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("no location of a description")
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	if err != nil || port == 0 {
		return nil, errors.New("no port in the location")
	}
	return onHost(netip.AddrPortFrom(from, uint16(port)), u), nil
}
