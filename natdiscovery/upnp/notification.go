package upnp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"natftpd/natdiscovery/gateway"
)

// notifyTimeout is how long the gateway may take to send one event.
const notifyTimeout = 2 * time.Second

// watched are the variables whose change is a reason to ask (WANIPC 2.3).
var watched = map[string]gateway.Reason{
	"ExternalIPAddress":          gateway.AddressChanged,
	"ConnectionStatus":           gateway.AddressChanged,
	"PortMappingNumberOfEntries": gateway.MappingsChanged,
}

// callback takes the gateway's events, one at a time.
type callback struct {
	gateway      netip.Addr
	listener     net.Listener
	subscription *subscription
	seen         map[string]string // the watched variables, as last told
}

// serve takes events until ctx ends and the listener is closed.
func (c *callback) serve(ctx context.Context, report func(gateway.Reason)) {
	budget := rate.NewLimiter(perSecond, burst)
	for budget.Wait(ctx) == nil {
		conn, err := c.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // too many open files, perhaps; the budget paces this
		}
		for _, r := range c.take(conn) {
			report(r)
		}
		_ = conn.Close() // answered, or not worth an answer
	}
}

// take reads an event and answers it (UDA 4.3.2).
func (c *callback) take(conn net.Conn) []gateway.Reason {
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	if from != c.gateway || conn.SetDeadline(time.Now().Add(notifyTimeout)) != nil {
		return nil
	}
	reasons, status := c.read(conn)
	// The gateway may have gone; what it said holds.
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status, http.StatusText(status))
	return reasons
}

// read reads an event: the reasons that it gives, and the status to answer with.
func (c *callback) read(conn io.Reader) ([]gateway.Reason, int) {
	req, err := http.ReadRequest(bufio.NewReader(io.LimitReader(conn, maxAnswer)))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	defer func() { _ = req.Body.Close() }()
	switch {
	case req.Method != "NOTIFY":
		return nil, http.StatusMethodNotAllowed
	case !c.subscription.expects(req.Header.Get("SID")):
		return nil, http.StatusPreconditionFailed
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	values, err := parseEvent(body)
	if err != nil {
		// It came from our subscription, so something has changed.
		return []gateway.Reason{gateway.AddressChanged}, http.StatusOK
	}
	return c.changes(values), http.StatusOK
}

// changes remembers what the gateway told and gives the reasons to ask. The first
// event of a subscription tells everything, and so is one, too: what happened
// before it is not known.
func (c *callback) changes(values map[string]string) []gateway.Reason {
	var reasons []gateway.Reason
	for name, value := range values {
		reason, ok := watched[name]
		before, told := c.seen[name]
		if !ok || told && value == before {
			continue
		}
		c.seen[name] = value
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// parseEvent reads a property set (UDA 4.3.2): the variables and their values.
func parseEvent(body []byte) (map[string]string, error) {
	var set struct {
		Properties []struct {
			Variables []struct {
				XMLName xml.Name
				Value   string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"property"`
	}
	d := xml.NewDecoder(bytes.NewReader(tidy(body)))
	d.Strict = false
	if err := d.Decode(&set); err != nil {
		return nil, fmt.Errorf("%w: %s", gateway.ErrProtocol, printable(err.Error()))
	}
	values := map[string]string{}
	for _, p := range set.Properties {
		for _, v := range p.Variables {
			values[v.XMLName.Local] = strings.TrimSpace(v.Value)
		}
	}
	return values, nil
}
