package status

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// view is what the page is made from.
type view struct {
	*Snapshot
	// Token goes with each form.
	Token string
	// Report is doctor's; "": it did not run.
	Report string
	// Rows is how many sessions are listed at the most.
	Rows int
}

const (
	// firstRows bounds the page as it is loaded, so that it is there at once. The
	// rest of the sessions comes while it is open.
	firstRows = 50
	// mostTransfers bounds the list of what changes every second.
	mostTransfers = 50
)

// ListedSessions and ListedTransfers are those that are listed.
func (v view) ListedSessions() []Session   { return v.Sessions[:min(v.Rows, len(v.Sessions))] }
func (v view) ListedTransfers() []Transfer { return v.Transfers[:min(mostTransfers, len(v.Transfers))] }

// UnlistedSessions and UnlistedTransfers are how many are not.
func (v view) UnlistedSessions() int  { return len(v.Sessions) - len(v.ListedSessions()) }
func (v view) UnlistedTransfers() int { return len(v.Transfers) - len(v.ListedTransfers()) }

// section is a part of the page that is fed while it is open, and what it shows.
type section struct {
	name  string
	shows func(*Snapshot) any
}

// sections are in the order of the page.
func sections() []section {
	type verdict struct {
		Verdict, Sentence, Advice, Address, External, Source string
		State                                                State
	}
	return []section{
		{"verdict", func(s *Snapshot) any {
			return verdict{s.Verdict, s.Sentence, s.Advice, s.Address, s.ExternalAddress, s.Source, s.State}
		}},
		{"path", func(s *Snapshot) any { return s.Path }},
		{"transfers", func(s *Snapshot) any { return s.Transfers }},
		{"throughput", func(s *Snapshot) any { return s.Throughput }},
		{"passive", func(s *Snapshot) any { return s.Passive }},
		{"sessions", func(s *Snapshot) any { return s.Sessions }},
		{"bans", func(s *Snapshot) any { return s.Bans }},
		{"timeline", func(s *Snapshot) any { return s.Events }},
	}
}

func parsePage() (*template.Template, error) {
	page, err := template.New("page.html").Funcs(template.FuncMap{
		"bytes":        Bytes,
		"capital":      capital,
		"chart":        newChart,
		"domID":        strings.NewReplacer(".", "-", ":", "-", "/", "-").Replace,
		"factual":      factual,
		"hopIcon":      func(name string) string { return strings.ToLower(strings.TrimPrefix(name, "This ")) },
		"left":         Left,
		"machine":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"moved":        func(t Transfer) int64 { return t.Offset + t.Bytes },
		"percent":      percent,
		"person":       func(t time.Time) string { return t.Format("2 Jan 15:04:05") },
		"speed":        func(perSecond int64) string { return Bytes(perSecond) + "/s" },
		"stateWord":    stateWord,
		"useClass":     useClass,
		"visible":      Visible,
		"visibleLines": visibleLines,
	}).ParseFS(web, "web/*.html")
	if err != nil {
		return nil, fmt.Errorf("the status page's template: %w", err)
	}
	return page, nil
}

// showPage is the page without doctor's report.
func (s *Server) showPage(w http.ResponseWriter, _ *http.Request) { s.render(w, "") }

func (s *Server) render(w http.ResponseWriter, report string) {
	var b bytes.Buffer
	if err := s.page.Execute(&b, view{s.snapshot(), s.token, report, firstRows}); err != nil {
		s.cfg.Log.Error("status page", "error", err)
		http.Error(w, "The page could not be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// section is one part of the page.
func (s *Server) section(name string, snap *Snapshot) ([]byte, error) {
	var b bytes.Buffer
	err := s.page.ExecuteTemplate(&b, name, view{Snapshot: snap, Token: s.token, Rows: len(snap.Sessions)})
	return b.Bytes(), err
}

// asset is a file of the page. A browser keeps it, and asks whether it has changed.
func asset(name, kind string) http.HandlerFunc {
	content, err := web.ReadFile("web/" + name)
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256(content))[:18] + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}
