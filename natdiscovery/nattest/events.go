package nattest

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// subscriber is somebody whom the router sends events to (UPnP Device
// Architecture, section 4).
type subscriber struct {
	id       string
	callback *url.URL

	mu  sync.Mutex // held while an event is on its way: they come in order
	seq int
}

// Heard is how often an event was answered with an HTTP status.
func (r *Router) Heard(status int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard[status]
}

// Subscribers is how many the router sends events to.
func (r *Router) Subscribers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.audience)
}

// ForgetSubscribers makes the router know no subscription any more.
func (r *Router) ForgetSubscribers() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.audience = nil
}

// Notify sends the router's state to all subscribers, whether it changed or not.
func (r *Router) Notify() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.audience {
		r.sendSoon(s)
	}
}

// sendSoon sends without waiting. The caller holds mu.
func (r *Router) sendSoon(s *subscriber) {
	if r.done.Err() == nil {
		r.wg.Go(func() { r.send(s) })
	}
}

// subscribe takes a subscription or renews one.
func (r *Router) subscribe(w http.ResponseWriter, req *http.Request) {
	does := r.count("SUBSCRIBE")
	id := req.Header.Get("SID")
	callback, err := url.Parse(strings.Trim(req.Header.Get("CALLBACK"), "<>"))
	fresh := req.Header.Get("NT") == "upnp:event" && err == nil && callback.Scheme == "http"
	switch {
	case does.WebSilent:
		r.hang(req)
		return
	case does.EventStatus != 0:
		w.WriteHeader(does.EventStatus)
		return
	case (id == "") != fresh || !strings.HasPrefix(req.Header.Get("TIMEOUT"), "Second-"):
		w.WriteHeader(http.StatusBadRequest)
		return
	case id != "" && r.subscriber(id) == nil:
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	if fresh {
		id = r.welcome(callback)
	}
	w.Header().Set("SID", id)
	w.Header().Set("TIMEOUT", cmp.Or(does.EventTimeout, "Second-1800"))
}

func (r *Router) unsubscribe(w http.ResponseWriter, req *http.Request) {
	r.count("UNSUBSCRIBE")
	s := r.subscriber(req.Header.Get("SID"))
	if s == nil {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.audience = slices.DeleteFunc(r.audience, func(other *subscriber) bool { return other == s })
}

func (r *Router) subscriber(id string) *subscriber {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.audience {
		if s.id == id {
			return s
		}
	}
	return nil
}

// welcome adds a subscriber, and sends it the first event.
func (r *Router) welcome(callback *url.URL) (id string) {
	r.mu.Lock()
	s := &subscriber{callback: callback, id: fmt.Sprintf("uuid:subscription-%d", r.asked["SUBSCRIBE"])}
	r.audience = append(r.audience, s)
	first := r.does.EventFirst
	if !first {
		r.sendSoon(s)
	}
	r.mu.Unlock()
	if first {
		r.send(s)
	}
	return s.id
}

// eventTimeout is how long a subscriber may take to answer an event.
const eventTimeout = 5 * time.Second

// send sends the state as it is now to one subscriber, who may have gone.
func (r *Router) send(s *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dialer := net.Dialer{Timeout: eventTimeout}
	conn, err := dialer.DialContext(r.done, "tcp", s.callback.Host)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(eventTimeout))
	body := r.properties()
	_, _ = fmt.Fprintf(conn, "NOTIFY %s HTTP/1.1\r\nHOST: %s\r\nCONTENT-TYPE: text/xml\r\nCONTENT-LENGTH: %d\r\n"+
		"NT: upnp:event\r\nNTS: upnp:propchange\r\nSID: %s\r\nSEQ: %d\r\n\r\n%s",
		s.callback.Path, s.callback.Host, len(body), s.id, s.seq, body)
	s.seq++
	_, rest, _ := strings.Cut(firstLine(conn), " ")
	code, _, _ := strings.Cut(rest, " ")
	status, _ := strconv.Atoi(code) // 0: no answer
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard[status]++
}

func firstLine(conn net.Conn) string {
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return line
}

// properties is the state as an event tells it (UPnP Device Architecture, section
// 4.3.2; WANIPConnection:2, section 2.4).
func (r *Router) properties() []byte {
	entries := r.Len()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.does.EventBody != nil {
		return r.does.EventBody
	}
	external := ""
	if r.external.IsValid() {
		external = r.external.String()
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">`)
	for _, variable := range [][2]string{
		{"PossibleConnectionTypes", "IP_Routed"}, {"ConnectionStatus", "Connected"},
		{"ExternalIPAddress", external}, {"PortMappingNumberOfEntries", strconv.Itoa(entries)},
	} {
		b.WriteString("<e:property>" + elements(variable[0], variable[1]) + "</e:property>")
	}
	b.WriteString("</e:propertyset>")
	return []byte(b.String())
}
