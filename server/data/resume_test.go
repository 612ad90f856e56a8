package data_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"natftpd/server/data"
)

// channel is what a client sees of a download over TLS.
func channel(t *testing.T, server, client *tls.Config, through func(net.Conn) net.Conn) (tls.ConnectionState, error) {
	t.Helper()
	ours, theirs := tcpPair(t)
	conn := data.NewConn(ours, server, time.Minute, data.Pace{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn.Write([]byte("x"))
		conn.Close()
	}()
	c := tls.Client(through(theirs), client)
	_, err := io.ReadAll(c)
	<-done
	return c.ConnectionState(), err
}

func direct(c net.Conn) net.Conn { return c }

// crumbs writes byte by byte.
type crumbs struct{ net.Conn }

func (c crumbs) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func offering(client *tls.Config, exchanges ...tls.CurveID) *tls.Config {
	other := client.Clone()
	other.CurvePreferences = exchanges
	return other
}

func TestAResumedDataConnectionLeavesMLKEMAwayOnlyWhereItsSessionHadIt(t *testing.T) {
	const classical, hybrid = tls.X25519, tls.X25519MLKEM768
	type attempt struct {
		later   time.Duration
		client  func(*tls.Config) *tls.Config // nil: as it is
		through func(net.Conn) net.Conn       // nil: direct
		resumed bool
		want    tls.CurveID
	}
	only := func(exchanges ...tls.CurveID) func(*tls.Config) *tls.Config {
		return func(c *tls.Config) *tls.Config { return offering(c, exchanges...) }
	}
	stranger, _ := tlsPair(t)
	foreign := func(c *tls.Config) *tls.Config { // one whose ticket another server sealed
		other := c.Clone()
		other.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		_, session := kept(t, c)
		sealed, err := stranger.EncryptTicket(tls.ConnectionState{}, session)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, other, sealed, session)
		return other
	}
	for name, attempts := range map[string][]attempt{
		"a session that begins, and its heirs": {{want: hybrid}, {resumed: true, want: classical}, {resumed: true, want: classical}},
		"a ClientHello byte by byte":           {{want: hybrid}, {through: func(c net.Conn) net.Conn { return crumbs{c} }, resumed: true, want: classical}},
		"a client without X25519":              {{want: hybrid}, {client: only(hybrid, tls.CurveP256), resumed: true, want: hybrid}},
		"a session that never had it":          {{client: only(classical), want: classical}, {resumed: true, want: hybrid}, {resumed: true, want: classical}},
		"its heir neither":                     {{client: only(classical), want: classical}, {client: only(classical), resumed: true, want: classical}, {resumed: true, want: hybrid}},
		"a ticket that another server sealed":  {{want: hybrid}, {client: foreign, want: hybrid}},
		"a ticket of the day before":           {{want: hybrid}, {later: 25 * time.Hour, resumed: true, want: hybrid}},
		"a ticket that is about to be refused": {{want: hybrid}, {later: 7*24*time.Hour + time.Minute, want: hybrid}},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := tlsPair(t)
			now := time.Now()
			server.Time = func() time.Time { return now }
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			data.EaseResumption(server)
			for i, a := range attempts {
				now = now.Add(a.later)
				with, through := client, direct
				if a.client != nil {
					with = a.client(client)
				}
				if a.through != nil {
					through = a.through
				}
				got, err := channel(t, server, with, through)
				if err != nil || got.DidResume != a.resumed || got.CurveID != a.want || got.HelloRetryRequest {
					t.Errorf("connection %d: resumed %v by %v, asked again %v, %v; want resumed %v by %v, not asked again",
						i+1, got.DidResume, got.CurveID, got.HelloRetryRequest, err, a.resumed, a.want)
				}
			}
		})
	}
}

// kept is the session that client holds, and its ticket.
func kept(t *testing.T, client *tls.Config) ([]byte, *tls.SessionState) {
	t.Helper()
	state, ok := client.ClientSessionCache.Get(client.ServerName)
	if !ok {
		t.Fatal("no session")
	}
	ticket, session, err := state.ResumptionState()
	if err != nil {
		t.Fatal(err)
	}
	return ticket, session
}

// keep has client hold another one.
func keep(t *testing.T, client *tls.Config, ticket []byte, session *tls.SessionState) {
	t.Helper()
	state, err := tls.NewResumptionState(ticket, session)
	if err != nil {
		t.Fatal(err)
	}
	client.ClientSessionCache.Put(client.ServerName, state)
}

func TestOtherConnectionsAreNotEased(t *testing.T) {
	server, client := tlsPair(t)
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	data.EaseResumption(server)
	if _, err := channel(t, server, client, direct); err != nil {
		t.Fatal(err)
	}
	ours, theirs := tcpPair(t)
	go tls.Server(ours, server).Handshake()
	c := tls.Client(theirs, client)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if got := c.ConnectionState(); !got.DidResume || got.CurveID != tls.X25519MLKEM768 {
		t.Errorf("a control connection: resumed %v by %v, want resumed by %v", got.DidResume, got.CurveID, tls.X25519MLKEM768)
	}
	client.MaxVersion = tls.VersionTLS12
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for _, resumed := range []bool{false, true} {
		got, err := channel(t, server, client, direct)
		if err != nil || got.DidResume != resumed || got.Version != tls.VersionTLS12 {
			t.Errorf("TLS 1.2: resumed %v, %v; want %v", got.DidResume, err, resumed)
		}
	}
}

// No client offers a session of another hash than the suite that we choose: it would
// get a session that begins without ML-KEM.
func TestAnEasedConnectionThatDoesNotResumeIsRefused(t *testing.T) {
	server, client := tlsPair(t)
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	data.EaseResumption(server)
	if _, err := channel(t, server, client, direct); err != nil {
		t.Fatal(err)
	}
	ticket, _ := kept(t, client)
	session, err := server.DecryptTicket(ticket, tls.ConnectionState{})
	if err != nil {
		t.Fatal(err)
	}
	_, held := kept(t, client)
	keep(t, client, sealed(t, server, otherHash(t, session)), otherHash(t, held))
	if got, err := channel(t, server, client, direct); err == nil {
		t.Errorf("resumed %v by %v, want an error", got.DidResume, got.CurveID)
	}
}

func sealed(t *testing.T, server *tls.Config, session *tls.SessionState) []byte {
	t.Helper()
	ticket, err := server.EncryptTicket(tls.ConnectionState{}, session)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// otherHash is the session as if its suite were TLS_AES_256_GCM_SHA384.
func otherHash(t *testing.T, session *tls.SessionState) *tls.SessionState {
	t.Helper()
	b, err := session.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint16(b[3:], tls.TLS_AES_256_GCM_SHA384) // behind version and side
	other, err := tls.ParseSessionState(b)
	if err != nil {
		t.Fatal(err)
	}
	return other
}
