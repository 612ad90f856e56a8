package conf

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// How texts become values: each function stores s, or says what is wrong with it.

func text(v *string, s string) error {
	if strings.ContainsFunc(s, unicode.IsControl) {
		// Not quoted: it may be a password.
		return fmt.Errorf("has a line break or another control character in it")
	}
	*v = s
	return nil
}

// filePath refuses ~ for the home of whoever runs the server: nothing but a shell
// replaces it, and a folder of that name would be made.
func filePath(v *string, s string) error {
	if s == "~" || strings.HasPrefix(s, "~/") {
		return &hinted{fmt.Errorf("%q begins with ~, which only a shell understands", s), "write the whole path"}
	}
	return text(v, s)
}

func homeFolder(v *string, s string) error {
	if strings.TrimSpace(s) == "" {
		return fmt.Errorf("is empty")
	}
	return filePath(v, s)
}

func boolean(v *bool, s string) error {
	switch s {
	case "true":
		*v = true
	case "false":
		*v = false
	default:
		return fmt.Errorf("%q is neither true nor false", s)
	}
	return nil
}

func choice[S ~string](allowed ...S) func(*S, string) error {
	return func(v *S, s string) error {
		if !slices.Contains(allowed, S(s)) {
			return fmt.Errorf("%q is none of its values", s)
		}
		*v = S(s)
		return nil
	}
}

func duration(least, most time.Duration) func(*time.Duration, string) error {
	return func(v *time.Duration, s string) error {
		d, err := time.ParseDuration(s)
		switch _, number := strconv.ParseFloat(s, 64); {
		case err != nil && number == nil:
			return &hinted{fmt.Errorf("%q has no unit", s), fmt.Sprintf("write seconds as %ss, minutes as %sm", s, s)}
		case err != nil:
			return fmt.Errorf("%q is no time", s)
		case d < least:
			return fmt.Errorf("%q is shorter than %s", s, showDuration(least))
		case d > most:
			return fmt.Errorf("%q is longer than %s", s, showDuration(most))
		}
		*v = d
		return nil
	}
}

// lease is bounded above by what UPnP's WANIPConnection:2 grants at most, 604800
// seconds. Below two minutes, RFC 6887 section 15's least, routers are only kept
// busy with renewals.
func lease(v *time.Duration, s string) error {
	if s == "0" {
		*v = 0
		return nil
	}
	return duration(2*time.Minute, 168*time.Hour)(v, s)
}

func level(v *slog.Level, s string) error {
	var name string
	if err := choice("debug", "info", "warn", "error")(&name, s); err != nil {
		return err
	}
	return v.UnmarshalText([]byte(name))
}

// The least and the most that a TCP segment can hold on the internet: the default
// of RFC 9293, section 3.7.1, and what fits an Ethernet frame.
const leastSegment, mostSegment = 536, 1460

func segmentSize(v *SegmentSize, s string) error {
	if s == "auto" {
		*v = SegmentSize{Auto: true}
		return nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no number of bytes", s)
	case n != 0 && n < leastSegment:
		return fmt.Errorf("%d bytes are fewer than %d", n, leastSegment)
	case n > mostSegment:
		return fmt.Errorf("%d bytes are more than %d, which fill an Ethernet frame", n, mostSegment)
	}
	*v = SegmentSize{Bytes: uint16(n)}
	return nil
}

func port(v *uint16, s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return fmt.Errorf("%q is no port", s)
	}
	*v = uint16(n)
	return nil
}

// Ports below 1024 are refused by the usual rules of miniupnpd, the UPnP server of
// many routers. A thousand ports is more than any router maps.
const (
	leastPassivePort = 1024
	mostPassivePorts = 1000
)

func passivePorts(v *PortRange, s string) error {
	first, last, isRange := strings.Cut(s, "-")
	var r PortRange
	if !isRange || port(&r.First, strings.TrimSpace(first)) != nil || port(&r.Last, strings.TrimSpace(last)) != nil {
		return fmt.Errorf("%q is no range", s)
	}
	switch {
	case r.First > r.Last:
		return &hinted{fmt.Errorf("%q runs backwards", s), "write " + PortRange{r.Last, r.First}.String()}
	case r.First < leastPassivePort:
		return fmt.Errorf("%q has ports below %d, which many routers refuse to map", s, leastPassivePort)
	case r.Len() > mostPassivePorts:
		return fmt.Errorf("%q are %d ports, more than %d", s, r.Len(), mostPassivePorts)
	}
	*v = r
	return nil
}

func listen(v *string, s string) error {
	host, number, err := net.SplitHostPort(s)
	var p uint16
	switch {
	case port(&p, s) == nil:
		return &hinted{fmt.Errorf("%q is a port without its colon", s), fmt.Sprintf("write %q", ":"+s)}
	case err != nil:
		return fmt.Errorf("%q is no :port or address:port", s)
	case port(&p, number) != nil:
		return fmt.Errorf("%q: %q is no port", s, number)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return &hinted{fmt.Errorf("%q: %q is no address of this machine", s, host), fmt.Sprintf("write %q for all of its addresses", ":"+number)}
	}
	*v = s
	return nil
}

// optional makes a value that may be left empty.
func optional(into func(*string, string) error) func(*string, string) error {
	return func(v *string, s string) error {
		if s == "" {
			*v = ""
			return nil
		}
		return into(v, s)
	}
}

// statusListen takes off, too: the environment has no way to write an empty value.
func statusListen(v *string, s string) error {
	if s == "off" {
		s = ""
	}
	return optional(listen)(v, s)
}

// startFolder is a path inside the home, as FTP clients write it.
func startFolder(v *string, s string) error {
	if err := text(v, s); err != nil {
		return err
	}
	switch clean := path.Clean(s); {
	case !strings.HasPrefix(s, "/"):
		return &hinted{fmt.Errorf("%q does not begin with /, the home", s), "write " + quoted(path.Clean("/"+s))}
	case clean != s:
		return &hinted{fmt.Errorf("%q is not the shortest way to write it", s), "write " + quoted(clean)}
	}
	return nil
}

func stunServer(v *[]string, s string) error {
	host, number, err := net.SplitHostPort(s)
	var p uint16
	if err != nil && validHost(s) == nil {
		return &hinted{fmt.Errorf("%q has no port", s), fmt.Sprintf("write %s:3478, or the port that its operator names", s)}
	}
	if err != nil || port(&p, number) != nil || p == 0 {
		return fmt.Errorf("%q is no host:port", s)
	}
	if _, err := netip.ParseAddr(host); err != nil && validHost(host) != nil {
		return fmt.Errorf("%q: %w", s, validHost(host))
	}
	if slices.Contains(*v, s) {
		return &hinted{fmt.Errorf("%q is there twice, but two different servers must agree", s), "write servers of different operators"}
	}
	*v = append(*v, s)
	return nil
}

// mappingMethods are all methods there are, the one that auto prefers first: PCP
// grants the very port or none (RFC 6887, section 13.2) in one packet, NAT-PMP may
// grant another one, and UPnP takes several requests, which weak routers lose.
func mappingMethods() []string { return []string{"pcp", "nat-pmp", "upnp"} }

// portMapping leaves Methods nil only before the first text: off makes it empty.
func portMapping(v *PortMapping, s string) error {
	alone := s == "auto" || s == "off"
	switch {
	case v.Methods != nil && (alone || v.Auto || v.Off()):
		return fmt.Errorf("auto and off stand alone, without %q beside them", s)
	case s == "auto":
		*v = PortMapping{Auto: true, Methods: mappingMethods()}
	case s == "off":
		v.Methods = []string{}
	case !slices.Contains(mappingMethods(), s):
		return fmt.Errorf("%q is no method", s)
	case slices.Contains(v.Methods, s):
		return fmt.Errorf("%q is there twice", s)
	default:
		v.Methods = append(v.Methods, s)
	}
	return nil
}

// userName refuses what FTP's USER line (RFC 959, section 5.3.1) can't carry in a
// way that every client and every log reader understands.
func userName(v *string, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("is empty")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == ':' }):
		return fmt.Errorf("%q has a space, a colon or a control character in it", s)
	}
	*v = s
	return nil
}
