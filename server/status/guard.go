package status

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// busiest is how many answers are made at a time; the pages that stay open are
// counted apart.
const busiest = 32

// guarded is what comes by TCP: from a browser that may be open on any site, and
// beyond loopback from anybody.
func (s *Server) guarded() http.Handler {
	inner := s.routes()
	origins := http.NewCrossOriginProtection()
	busy := make(chan struct{}, busiest)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		switch {
		case !s.answersTo(r.Host):
			http.Error(w, "This server does not go by that name; use its address.", http.StatusMisdirectedRequest)
			return
		case origins.Check(r) != nil:
			http.Error(w, "Another site may not do that.", http.StatusForbidden)
			return
		case s.cfg.Lock != nil && !isHealth(r) && !s.opens(w, r):
			return
		}
		if r.URL.Path != "/live" {
			select {
			case busy <- struct{}{}:
				defer func() { <-busy }()
			default:
				w.Header().Set("Retry-After", "1")
				http.Error(w, "Too many ask at a time.", http.StatusServiceUnavailable)
				return
			}
		}
		inner.ServeHTTP(w, r)
	})
}

// isHealth tells what needs no password: a supervisor asks it.
func isHealth(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// setHeaders leaves a browser no way but ours: no foreign origin, no inline
// script or style, no frame.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// answersTo is the guard against DNS rebinding: another site makes its own name
// mean our address, and is to its browser the same site as we are. So what counts
// is how we were called. An address can't be made to mean another one; names are
// those that are ours. Where no password is asked for, that is loopback alone.
func (s *Server) answersTo(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return s.cfg.Lock != nil || addr.Unmap().IsLoopback()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		s.cfg.Lock != nil && slices.Contains(s.cfg.Hosts, name)
}

// opens asks for the password (HTTP Basic, RFC 7617; any user name will do). One
// that was right is known again at once; the others are checked slowly, and only
// so many of one address.
func (s *Server) opens(w http.ResponseWriter, r *http.Request) bool {
	_, password, given := r.BasicAuth()
	if given && s.known.is(password) {
		return true
	}
	if given {
		client := clientOf(r)
		if !s.tries.allow(client) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "Too many wrong passwords. Try again in a minute.", http.StatusTooManyRequests)
			return false
		}
		right, err := s.cfg.Lock.Opens(r.Context(), client, password)
		if err != nil {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "Too many ask at a time.", http.StatusServiceUnavailable)
			return false
		}
		if right {
			s.known.add(password)
			return true
		}
		s.cfg.Log.Warn("status page: wrong password", "client", client)
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="natftpd status", charset="UTF-8"`)
	http.Error(w, "The password of the status page, please (status.password).", http.StatusUnauthorized)
	return false
}

// known is the password that was right, as a hash that means nothing to anybody
// else: a page that stays open asks every second.
type known struct {
	key   []byte
	right *atomic.Pointer[[sha256.Size]byte]
}

func newKnown() known {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	return known{key, new(atomic.Pointer[[sha256.Size]byte])}
}

func (k known) hash(password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, k.key)
	mac.Write([]byte(password))
	mac.Sum(sum[:0])
	return sum
}

func (k known) add(password string) {
	sum := k.hash(password)
	k.right.Store(&sum)
}

func (k known) is(password string) bool {
	right, sum := k.right.Load(), k.hash(password)
	return right != nil && subtle.ConstantTimeCompare(right[:], sum[:]) == 1
}
