package status

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"natftpd/driver"
)

// running serves on loopback until the test ends.
func running(t *testing.T, s *Server) (url string, stop func()) {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	stop = func() {
		cancel()
		if err, open := <-ended; open && err != nil {
			t.Errorf("it ended with %v", err)
		}
		close(ended)
	}
	return "http://" + l.Addr().String(), stop
}

// live opens a page that stays open.
func live(t *testing.T, url string) (*bufio.Reader, func()) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	response, err := client.Get(url + "/live")
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("/live: %s", response.Status)
	}
	return bufio.NewReader(response.Body), func() {
		response.Body.Close()
		client.CloseIdleConnections()
	}
}

// await reads up to the event of a section that holds a text.
func await(t *testing.T, r *bufio.Reader, section, text string) {
	t.Helper()
	for name := ""; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("no %q in %s: %v", text, section, err)
		}
		if n, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(n)
		}
		if name == section && strings.Contains(line, text) {
			return
		}
	}
}

func TestAPageThatStaysOpenShowsWhatChanges(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cfg := config(t)
	s := newServer(t, cfg)
	url, stop := running(t, s)
	page, leave := live(t, url)
	await(t, page, "verdict", "Reachable")
	await(t, page, "transfers", "Nothing moves")
	alice, _ := enter(t, cfg.Sessions, "198.51.100.23", "alice")
	up := new(flow)
	alice.Begin(driver.Activity{Command: "STOR", Path: "/note", Size: -1, Since: time.Now(), Flow: up})
	await(t, page, "transfers", "/note")
	up.received.Store(4200)
	await(t, page, "transfers", "4.2 kB")
	stop()
	if rest, err := page.ReadString('\x00'); err == nil {
		t.Errorf("the page is still open: %q", rest)
	}
	leave()
}

func TestAPageThatGoesAwayIsForgotten(t *testing.T) {
	s := newServer(t, config(t))
	forgotten := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.watch.serve(w, r)
		close(forgotten)
	}))
	defer server.Close()
	go s.watch.run(t.Context())
	page, leave := live(t, server.URL)
	await(t, page, "verdict", "Reachable")
	leave()
	<-forgotten
	if s.watch.watched() {
		t.Error("it is still fed")
	}
}

func TestTooManyOpenPagesAreRefused(t *testing.T) {
	s := newServer(t, config(t))
	for range mostWatchers {
		if s.watch.enter() == nil {
			t.Fatal("refused too soon")
		}
	}
	if w := get(s, "/live"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d, want 503 with Retry-After", w.Code)
	}
}

func TestTooManyConnectionsAreHungUp(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, mostConnections+1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	var first net.Conn
	for i := range mostConnections {
		dial()
		if c := <-accepted; i == 0 {
			first = c
		}
	}
	one := dial()
	one.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := one.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("one more: %v, want it hung up", err)
	}
	first.Close()
	first.Close()
	dial()
	(<-accepted).Close()
}

func TestALargeSectionIsMadeLessOften(t *testing.T) {
	cfg := config(t)
	for range 1000 {
		enter(t, cfg.Sessions, "198.51.100.24", "bob")
	}
	s := newServer(t, cfg)
	page, seen := s.watch.enter(), make(map[string]int)
	snap := s.snapshot()
	for _, round := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {glance, false}, {10 * time.Second, true}} {
		enter(t, cfg.Sessions, "198.51.100.25", "alice")
		next := s.snapshot()
		next.Time = snap.Time.Add(round.after)
		s.watch.make(next)
		<-page
		got := false
		for _, html := range s.watch.unseen(seen) {
			got = got || bytes.HasPrefix(html, []byte("event: sessions\n"))
		}
		if got != round.want {
			t.Errorf("after %v: the thousand sessions were sent: %v, want %v", round.after, got, round.want)
		}
	}
}
