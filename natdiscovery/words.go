package natdiscovery

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// at is an address behind a noun, if it is known.
func at(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	return " " + addr.String()
}

// and joins two lists, of which one may be empty.
func and(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " and " + b
}

// joined puts remarks in a row, but for those that are empty.
func joined(remarks ...string) string {
	return strings.Join(slices.DeleteFunc(remarks, func(r string) bool { return r == "" }), "; ")
}

// numbers are the outside numbers of ports.
func numbers(ports []Port) []uint16 {
	list := make([]uint16, len(ports))
	for i, p := range ports {
		list[i] = p.External
	}
	return list
}

// ranges writes ports in rising order as a router's page takes them:
// "50000-50003, 50005".
func ranges(ports []uint16) string {
	var parts []string
	for i := 0; i < len(ports); {
		j := i
		for j+1 < len(ports) && ports[j+1] == ports[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(ports[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", ports[i], ports[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
