package status

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// showHealth: whoever can answer is alive.
func (s *Server) showHealth(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") }

// showReadiness says whether clients are let in, and could come; and if not, why.
func (s *Server) showReadiness(w http.ResponseWriter, _ *http.Request) {
	if why := s.unready(); why != "" {
		http.Error(w, "not ready: "+why, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

func (s *Server) unready() string {
	st := s.cfg.Status()
	switch {
	case s.cfg.Sessions.Draining():
		return "the server is shutting down"
	case !s.cfg.LocalOnly() && wordsOf(st.Verdict).failure:
		return fmt.Sprintf("%s: %s", st.Verdict, st.Advice)
	}
	return ""
}

// showJSON is the Snapshot for programs.
func (s *Server) showJSON(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(s.snapshot())
}
