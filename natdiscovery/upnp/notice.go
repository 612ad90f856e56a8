package upnp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/time/rate"

	"natftpd/natdiscovery/gateway"
)

// notice is an announcement of a device (UDA 1.2).
type notice struct {
	kind     string // "ssdp:alive", "ssdp:byebye" or "ssdp:update"
	usn      string // unique service name: of which device, and what of it
	target   string // what of it: NT
	location string // of the description, on the host that says so; may be empty
	boot     string // which start of the device this is; may be empty
	nextBoot string // what boot is going to be, in an update
}

// parseNotice reads an announcement.
func parseNotice(b []byte, from netip.Addr) (notice, error) {
	start, header := splitSSDP(b)
	if len(start) < 2 || start[0] != "NOTIFY" || start[1] != "*" {
		return notice{}, errors.New("not an announcement")
	}
	n := notice{kind: header["NTS"], usn: header["USN"], target: header["NT"],
		boot: header["BOOTID.UPNP.ORG"], nextBoot: header["NEXTBOOTID.UPNP.ORG"]}
	if at, err := locate(header["LOCATION"], from); err == nil {
		n.location = at.String()
	}
	return n, nil
}

// maxRemembered is how many devices, and how many services, of the gateway's are
// remembered; a real one has less than 10.
const maxRemembered = 32

// hearing is what was heard of one gateway: enough to notice what is new.
type hearing struct {
	gateway   netip.Addr
	names     []string          // of its devices
	boots     map[string]string // by name
	locations map[string]string // by USN; devices may have several descriptions
	left      map[string]bool   // by name: it said goodbye
}

func newHearing(h home) *hearing {
	g := &hearing{gateway: h.reply.from, names: h.names,
		boots: map[string]string{}, locations: map[string]string{}, left: map[string]bool{}}
	changed(g.boots, g.device(h.reply.usn), h.reply.boot)
	changed(g.locations, h.reply.usn, h.reply.location.String())
	return g
}

// device is the name of the device in a USN, in lower case. The gateway and the
// devices that are its parts have one: they start and leave together.
func (h *hearing) device(usn string) string {
	name, _, _ := strings.Cut(usn, "::")
	name = strings.ToLower(strings.TrimSpace(name))
	if slices.Contains(h.names, name) {
		return h.names[0]
	}
	return name
}

// datagrams is where announcements come from: a *net.UDPConn.
type datagrams interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
}

// listen reads announcements until ctx ends and conn is closed.
func (h *hearing) listen(ctx context.Context, conn datagrams, report func(gateway.Reason)) {
	budget := rate.NewLimiter(perSecond, burst)
	buf := make([]byte, maxDatagram)
	for budget.Wait(ctx) == nil {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || from.Addr().Unmap() != h.gateway {
			continue
		}
		announced, err := parseNotice(buf[:n], h.gateway)
		if err != nil {
			continue
		}
		if r, ok := h.reason(announced); ok {
			report(r)
		}
	}
}

// reason says why a notice is worth asking the gateway, if it is.
func (h *hearing) reason(n notice) (gateway.Reason, bool) {
	name := h.device(n.usn)
	// Other devices live at the gateway's address: media servers, printers.
	if !slices.Contains(h.names, name) && !slices.Contains(targets, n.target) {
		return "", false
	}
	switch n.kind {
	case "ssdp:byebye":
		again := h.left[name]
		if len(h.left) < maxRemembered {
			h.left[name] = true
		}
		return gateway.Gone, !again
	case "ssdp:update":
		// It has one more, or one less, address (UDA 1.2.4), and lives on.
		before := h.boots[name]
		changed(h.boots, name, n.nextBoot)
		return gateway.AddressChanged, n.nextBoot != "" && n.nextBoot != before
	case "ssdp:alive":
		rebooted := changed(h.boots, name, n.boot)
		moved := changed(h.locations, n.usn, n.location)
		back := h.left[name]
		delete(h.left, name)
		return gateway.Restarted, rebooted || moved || back
	}
	return "", false
}

// changed notes a value, and says whether it is another than before. What is not
// told is no change, and neither is what was not known before.
func changed(known map[string]string, key, value string) bool {
	before, ok := known[key]
	if value == "" || value == before || !ok && len(known) >= maxRemembered {
		return false
	}
	known[key] = value
	return ok
}
