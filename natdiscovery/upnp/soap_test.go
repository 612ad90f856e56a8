package upnp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

// rawRouter answers each connection with the same bytes, whatever it is asked,
// and keeps the bytes of the last request.
type rawRouter struct {
	listener net.Listener
	answer   []byte
	request  chan []byte
}

func startRaw(t testing.TB, answer string) *rawRouter {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rawRouter{listener: listener, answer: []byte(answer), request: make(chan []byte, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.serve(conn)
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return r
}

// serve reads a request to the end of the envelope, and answers.
func (r *rawRouter) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	var request bytes.Buffer
	in := bufio.NewReader(conn)
	for !bytes.HasSuffix(request.Bytes(), []byte("</s:Envelope>")) {
		b, err := in.ReadByte()
		if err != nil {
			break
		}
		request.WriteByte(b)
	}
	select {
	case r.request <- request.Bytes():
	default:
	}
	_, _ = conn.Write(r.answer)
}

// client is a client of a router that needs no discovery.
func (r *rawRouter) client() *Client {
	return newTestClient(r.listener.Addr().(*net.TCPAddr).AddrPort())
}

func newTestClient(router netip.AddrPort) *Client {
	return &Client{
		web:      newWeb(netip.Addr{}, time.Second),
		device:   gateway.Device{Address: router.Addr()},
		services: []service{{urn: "urn:schemas-upnp-org:service:WANIPConnection:1", control: &url.URL{Scheme: "http", Host: router.String(), Path: "/ctl"}}},
	}
}

// soapAnswer is an answer of a well-behaved router.
func soapAnswer(inside string) string {
	return "HTTP/1.1 200 OK\r\n\r\n" + `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
		` s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` + inside + `</s:Body></s:Envelope>`
}

func addressAnswer(address string) string {
	return soapAnswer(`<u:GetExternalIPAddressResponse xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">` +
		"<NewExternalIPAddress>" + address + "</NewExternalIPAddress></u:GetExternalIPAddressResponse>")
}

func TestRequestIsWhatOldRoutersUnderstand(t *testing.T) {
	r := startRaw(t, addressAnswer("11.22.0.2"))
	if _, err := r.client().ExternalAddress(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := string(<-r.request)
	for _, want := range []string{
		"POST /ctl HTTP/1.1\r\n",
		"Host: " + r.listener.Addr().String() + "\r\n",
		"Connection: close\r\n",
		"Content-Length: ", // rather than chunks
		"Content-Type: text/xml; charset=\"utf-8\"\r\n",
		"SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress\"\r\n", // syncthing issue 1696
		"<s:Body><u:GetExternalIPAddress xmlns:u=",                                                // not the default name space
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the request lacks %q:\n%s", want, got)
		}
	}
	if n := strings.Count(strings.ToLower(got), "soapaction:"); n != 1 {
		t.Errorf("the request names its action %d times:\n%s", n, got)
	}
}

func TestAnswersThatRoutersGetNearlyRight(t *testing.T) {
	for _, c := range []struct {
		name, answer string
	}{
		{"as it should be", addressAnswer("11.22.0.2")},
		{"white space around the value", addressAnswer("\r\n 11.22.0.2 ")},
		{"without an encoding style", strings.Replace(addressAnswer("11.22.0.2"), `s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"`, "", 1)},
		{"an encoding that it is not in", strings.Replace(addressAnswer("11.22.0.2"), `"1.0"`, `"1.0" encoding="iso-8859-1"`, 1)},
		{"a byte order mark", strings.Replace(addressAnswer("11.22.0.2"), "<?xml", "\ufeff\r\n<?xml", 1)},
		{"a zero at the end", addressAnswer("11.22.0.2") + "\x00"},
		{"a bare ampersand", addressAnswer("11.22.0.2</NewExternalIPAddress><More>Tom & Jerry</More><NewExternalIPAddress>11.22.0.2")},
		{"HTTP 1.0", strings.Replace(addressAnswer("11.22.0.2"), "HTTP/1.1", "HTTP/1.0", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := startRaw(t, c.answer).client().ExternalAddress(t.Context())
			if want := netip.MustParseAddr("11.22.0.2"); err != nil || got != want {
				t.Errorf("got %v (%v), want %v", got, err, want)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		want         error
	}{
		{"nothing", "", gateway.ErrGone},
		{"half a header", "HTTP/1.1 200 OK\r\nServer: x\r\n", gateway.ErrGone},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<s:", gateway.ErrGone},
		{"no HTTP", "220 ready when you are\r\n\r\n", gateway.ErrProtocol},
		{"a header without end", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", maxAnswer), gateway.ErrProtocol},
		{"another answer", soapAnswer("<u:Bye/>"), gateway.ErrNoWAN},
		{"an empty answer", "HTTP/1.1 200 OK\r\n\r\n", gateway.ErrProtocol},
		{"a redirect", "HTTP/1.1 307 Elsewhere\r\nLocation: http://198.51.100.7/\r\n\r\n", gateway.ErrGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := startRaw(t, c.answer).client().ExternalAddress(t.Context())
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestExternalAddressThatIsNone(t *testing.T) {
	for _, text := range []string{"", "0.0.0.0", "0.1.2.3", "192.168.77.1", "192.168.77.10", "2001:db8::1", "11.22.0", "unknown"} {
		t.Run(text, func(t *testing.T) {
			if got, err := cannedClient([]byte(addressAnswer(text))).ExternalAddress(t.Context()); !errors.Is(err, gateway.ErrNoWAN) {
				t.Errorf("got %v, %v, want %v", got, err, gateway.ErrNoWAN)
			}
		})
	}
}

func TestMappingToNobodyIsNone(t *testing.T) {
	for _, client := range []string{"", "0.0.0.0"} {
		c := cannedClient([]byte(soapAnswer("<u:R><NewInternalPort>0</NewInternalPort><NewInternalClient>" + client +
			"</NewInternalClient><NewEnabled>0</NewEnabled></u:R>")))
		m := gateway.Mapping{Request: gateway.Request{Internal: netip.MustParseAddrPort("192.168.77.10:50000"), External: port}}
		if err := c.Check(t.Context(), m); !errors.Is(err, gateway.ErrNotMapped) {
			t.Errorf("client %q: got %v, want %v", client, err, gateway.ErrNotMapped)
		}
	}
}

func TestOtherHostsAreNamedInAConflict(t *testing.T) {
	r := startRaw(t, soapAnswer("<u:R><NewInternalPort>80</NewInternalPort><NewInternalClient>ANNAS-PC</NewInternalClient></u:R>"))
	c := r.client()
	_, err := c.Map(t.Context(), gateway.Request{Internal: netip.MustParseAddrPort("192.168.77.10:50000"), External: port})
	if !errors.Is(err, gateway.ErrConflict) || !strings.Contains(err.Error(), "ANNAS-PC") {
		t.Errorf("got %v, want %v that names ANNAS-PC", err, gateway.ErrConflict)
	}
}

func TestEachRequestHasItsOwnTimeout(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0") // takes connections, answers none
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	c := newTestClient(listener.Addr().(*net.TCPAddr).AddrPort())
	c.web.timeout = 50 * time.Millisecond
	_, err = c.ExternalAddress(t.Context())
	if !errors.Is(err, gateway.ErrGone) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, gateway.ErrGone)
	}
}

// FuzzAnswer feeds bytes as the router's answer to each action. The client must
// come back with something to believe or an error.
func FuzzAnswer(f *testing.F) {
	for _, inside := range []string{
		"<u:R><NewInternalPort>50000</NewInternalPort><NewInternalClient>192.168.77.10</NewInternalClient>" +
			"<NewEnabled>1</NewEnabled><NewLeaseDuration>3600</NewLeaseDuration></u:R>",
		"<s:Fault><detail><UPnPError><errorCode>718</errorCode></UPnPError></detail></s:Fault>",
		"<s:Fault><detail><UPnPError><errorCode>725</errorCode></UPnPError></detail></s:Fault>",
		"<s:Fault><detail><UPnPError><errorCode>501</errorCode></UPnPError></detail></s:Fault>",
	} {
		f.Add([]byte(soapAnswer(inside)))
	}
	f.Add([]byte(addressAnswer("11.22.0.2")))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := cannedClient(answer)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // no waiting for a listing
		defer cancel()
		if addr, err := c.ExternalAddress(ctx); err == nil && (!addr.Is4() || addr.IsLoopback() || addr.IsUnspecified()) {
			t.Errorf("%v was believed as external address", addr)
		}
		r := gateway.Request{Internal: netip.MustParseAddrPort("192.168.77.10:50000"), External: port, Lease: time.Hour}
		m, err := c.Map(ctx, r)
		if err == nil && (m.Request != r || m.Lifetime < 0) {
			t.Errorf("%+v was confirmed for %+v", m, r)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		if check := c.Check(t.Context(), m); err == nil && check != nil {
			t.Errorf("mapped, but Check says %v", check)
		}
	})
}

// cannedClient is a client at 192.168.77.10 of a router at 192.168.77.1 that
// gives the same answer to everything.
func cannedClient(answer []byte) *Client {
	c := newTestClient(netip.MustParseAddrPort("192.168.77.1:5000"))
	c.web.dial = func(context.Context, string, string) (net.Conn, error) {
		return &cannedConn{Reader: bytes.NewReader(answer)}, nil
	}
	return c
}

// cannedConn is a connection that takes everything and has its answer ready.
type cannedConn struct {
	io.Reader
	net.Conn
}

func (c *cannedConn) Read(b []byte) (int, error)  { return c.Reader.Read(b) }
func (c *cannedConn) Write(b []byte) (int, error) { return len(b), nil }
func (c *cannedConn) Close() error                { return nil }
func (c *cannedConn) LocalAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.168.77.10:40000"))
}
