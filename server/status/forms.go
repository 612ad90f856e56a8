package status

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// doctorTimeout is longer than doctor takes at the most.
const doctorTimeout = 45 * time.Second

// form guards what changes something: who sends it must have seen the page.
func (s *Server) form(then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.PostFormValue("token")), []byte(s.token)) != 1 {
			http.Error(w, "The page is not of this run of the server. Load it again.", http.StatusForbidden)
			return
		}
		then(w, r)
	}
}

// back is the answer to a form that was sent by a person, or by the page's script.
func back(w http.ResponseWriter, r *http.Request) {
	if wantsPage(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// endSession ends a session now, and its transfer. One that has gone by itself is
// ended, too.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PostFormValue("session"), 10, 64)
	if err != nil {
		http.Error(w, "There is no such session.", http.StatusBadRequest)
		return
	}
	for _, session := range s.cfg.Sessions.All() {
		if session.ID == id {
			s.cfg.Log.Info("session ended from the status page", "session", id, "client", session.Client, "user", session.User())
			session.End()
		}
	}
	back(w, r)
}

// liftBan lets an address in again.
func (s *Server) liftBan(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(r.PostFormValue("clients"), "/")
	addr, err := netip.ParseAddr(first)
	if err != nil {
		http.Error(w, "There is no such ban.", http.StatusBadRequest)
		return
	}
	if s.cfg.Bans.Lift(addr) {
		s.cfg.Log.Info("ban lifted from the status page", "clients", addr)
	}
	back(w, r)
}

// runDoctor shows doctor's report: as text to the page's script, or else in the
// page. One runs at a time, since it asks the router.
func (s *Server) runDoctor(w http.ResponseWriter, r *http.Request) {
	select {
	case s.doctor <- struct{}{}:
		defer func() { <-s.doctor }()
	default:
		w.Header().Set("Retry-After", "20")
		http.Error(w, "Doctor is looking at the network already. Wait for its report.", http.StatusServiceUnavailable)
		return
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(doctorTimeout + writeTimeout))
	ctx, cancel := context.WithTimeout(r.Context(), doctorTimeout)
	defer cancel()
	report, err := s.cfg.Doctor(ctx)
	if err != nil {
		report = "doctor could not look: " + err.Error()
	}
	if wantsPage(r) {
		s.render(w, report)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(report))
}
