package status

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"natftpd/driver"
)

func lock(t testing.TB) *driver.Lock {
	t.Helper()
	// bcrypt of "secret" at its lowest cost.
	l, err := driver.NewLock("$2a$04$ddPhG7hCnrejbJx36hMAM.TTQYJ4dkJM5V5DThqsICCo3xv95FH32")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheServerAnswersToItsOwnNamesOnly(t *testing.T) {
	open := newServer(t, config(t))
	cfg := config(t)
	cfg.Lock, cfg.Hosts = lock(t), []string{"nas", "nas.local"}
	locked := newServer(t, cfg)
	for _, c := range []struct {
		host         string
		open, locked bool
	}{
		{"127.0.0.1:8021", true, true},
		{"127.0.0.1", true, true},
		{"[::1]:8021", true, true},
		{"localhost:8021", true, true},
		{"LOCALHOST.", true, true},
		{"natftpd.localhost:8021", true, true},
		{"192.168.1.10:8021", false, true},
		{"[2001:db8::1]:8021", false, true},
		{"nas:8021", false, true},
		{"NAS.local", false, true},
		{"evil.example:8021", false, false},
		{"127.0.0.1.evil.example", false, false},
		{"localhost.evil.example:8021", false, false},
		{"", false, false},
		{"[", false, false},
	} {
		if got := open.answersTo(c.host); got != c.open {
			t.Errorf("without a password, %q: %t, want %t", c.host, got, c.open)
		}
		if got := locked.answersTo(c.host); got != c.locked {
			t.Errorf("with a password, %q: %t, want %t", c.host, got, c.locked)
		}
	}
}

func TestOneWhoCallsTheServerByAnotherNameIsShownNothing(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/api/status", nil)
	r.Host = "evil.example"
	w := httptest.NewRecorder()
	newServer(t, config(t)).guarded().ServeHTTP(w, r)
	if w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "203.0.113") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

func TestEveryAnswerForbidsWhatIsNotOurs(t *testing.T) {
	s := newServer(t, config(t))
	for _, path := range []string{"/", "/style.css", "/api/status", "/metrics", "/healthz", "/nowhere"} {
		h := get(s, path).Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	page := get(s, "/").Body.String()
	for _, inline := range []string{"style=", "onclick", "<style", "http://", "https://"} {
		if strings.Contains(page, inline) {
			t.Errorf("the page holds %s, which its own policy forbids", inline)
		}
	}
}

func TestThePasswordIsAskedForAndLimited(t *testing.T) {
	cfg := config(t)
	cfg.Lock = lock(t)
	handler := newServer(t, cfg).guarded()
	ask := func(path, client, password string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host, r.RemoteAddr = "192.168.1.10:8021", client+":40000"
		if password != "" {
			r.SetBasicAuth("anybody", password)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: 401 without a challenge", path)
		}
		return w.Code
	}
	for _, path := range []string{"/", "/api/status", "/metrics", "/live", "/style.css"} {
		if got := ask(path, "192.168.1.2", ""); got != http.StatusUnauthorized {
			t.Errorf("%s without a password: %d, want 401", path, got)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := ask(path, "192.168.1.2", ""); got != http.StatusOK {
			t.Errorf("%s without a password: %d, want 200", path, got)
		}
	}
	for i := range triesAtOnce {
		if got := ask("/", "198.51.100.66", "guess"+strconv.Itoa(i)); got != http.StatusUnauthorized {
			t.Errorf("guess %d: %d, want 401", i, got)
		}
	}
	if got := ask("/", "198.51.100.66", "secret"); got != http.StatusTooManyRequests {
		t.Errorf("after too many guesses: %d, want 429", got)
	}
	for range 2 * triesAtOnce {
		if got := ask("/", "192.168.1.2", "secret"); got != http.StatusOK {
			t.Fatalf("the right password: %d, want 200", got)
		}
	}
	if got := ask("/", "192.168.1.2", "secret2"); got != http.StatusUnauthorized {
		t.Errorf("a wrong one after the right one: %d, want 401", got)
	}
}

func TestFormsWantTheirTokenAndTheirOwnSite(t *testing.T) {
	cfg := config(t)
	session, killed := enter(t, cfg.Sessions, "198.51.100.23", "alice")
	s := newServer(t, cfg)
	id := strconv.FormatUint(session.ID, 10)
	for _, c := range []struct {
		name, token, site, id string
		want                  int
	}{
		{"without a token", "", "same-origin", id, http.StatusForbidden},
		{"with a wrong token", "guessed", "same-origin", id, http.StatusForbidden},
		{"from another site", s.token, "cross-site", id, http.StatusForbidden},
		{"of no session", s.token, "same-origin", "x", http.StatusBadRequest},
		{"of a session that has gone", s.token, "same-origin", "99", http.StatusSeeOther},
		{"as it should be", s.token, "same-origin", id, http.StatusSeeOther},
	} {
		before := killed.times.Load()
		w := post(s, "/sessions/end", c.site, url.Values{"token": {c.token}, "session": {c.id}})
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.want)
		}
		if ended := killed.times.Load() > before; ended != (c.name == "as it should be") {
			t.Errorf("%s: ended %t", c.name, ended)
		}
	}
}

// post sends a form as a browser does that is on some site.
func post(s *Server, path, site string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Host = "127.0.0.1:8021"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", site)
	w := httptest.NewRecorder()
	s.guarded().ServeHTTP(w, r)
	return w
}

func FuzzRequests(f *testing.F) {
	f.Add("GET", "/", "127.0.0.1:8021", "", "")
	f.Add("POST", "/sessions/end", "localhost", "session=1", "text/html")
	f.Add("POST", "/bans/lift", "[::1]", "clients=%ff/64", "")
	f.Add("GET", "/live/../api/status?x=%00", "127.0.0.1", "", "")
	cfg := config(f)
	s, err := New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	handler := s.guarded()
	f.Fuzz(func(t *testing.T, method, path, host, body, accept string) {
		r, err := http.NewRequest(method, "http://127.0.0.1/", strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL.Path, r.Host = path, host
		if path == "/live" {
			return // it stays open
		}
		r.Header.Set("Accept", accept)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			answer, _ := io.ReadAll(w.Body)
			t.Errorf("%s %q: %d %s", method, path, w.Code, answer)
		}
	})
}
