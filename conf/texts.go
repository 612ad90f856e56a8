package conf

import (
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How values become texts: YAML on one line, which the readers of values.go take back.

// plain are texts that YAML reads as themselves, without quotes; notText are those
// of them that YAML, 1.1 or 1.2, takes for something else than text.
var (
	plain   = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./:-]*$`)
	notText = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null|[0-9.][0-9._:eox+-]*|.*:)$`)
)

func quoted(s string) string {
	if plain.MatchString(s) && !notText.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

// showSecret says only whether there is one.
func showSecret(s string) string {
	if s == "" {
		return ""
	}
	return "set"
}

func showBool(b bool) string { return strconv.FormatBool(b) }

func showPort(p uint16) string { return strconv.Itoa(int(p)) }

func showChoice[S ~string](s S) string { return string(s) }

func showLevel(l slog.Level) string { return strings.ToLower(l.String()) }

// showDuration leaves out the zeros of time.Duration's own text: 15m, not 15m0s.
func showDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func showList(items []string) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = quoted(item)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// String is r as first-last.
func (r PortRange) String() string { return showPort(r.First) + "-" + showPort(r.Last) }

// String is e as it is written in the file.
func (e ExternalAddress) String() string {
	switch {
	case e.Auto:
		return "auto"
	case e.Addr.IsValid():
		return e.Addr.String()
	default:
		return e.Host
	}
}

// String is s as it is written in the file.
func (s SegmentSize) String() string {
	if s.Auto {
		return "auto"
	}
	return strconv.Itoa(int(s.Bytes))
}

// String is p as it is written in the file.
func (p PortMapping) String() string {
	switch {
	case p.Auto:
		return "auto"
	case p.Off():
		return "off"
	default:
		return showList(p.Methods)
	}
}

// String is n as it is written in the file.
func (n LANNetworks) String() string {
	var items []string
	if n.Auto {
		items = append(items, "auto")
	}
	for _, p := range n.Prefixes {
		items = append(items, p.String())
	}
	if slices.Equal(items, []string{"auto"}) {
		return "auto"
	}
	return showList(items)
}

func showPrefix(p netip.Prefix) string { return p.String() }

func showOverrideAddress(o AddressOverride) string {
	if o.Local {
		return "local"
	}
	return o.Addr.String()
}
