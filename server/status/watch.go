package status

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"time"
)

const (
	// mostWatchers is how many pages stay open at a time.
	mostWatchers = 64
	// heartbeat is how often a page is told that nothing has changed, so that one
	// that went away is noticed.
	heartbeat = 20 * time.Second
	// atMost is how soon after one round of fragments the next is made.
	atMost = 200 * time.Millisecond
	// sectionRate is how many bytes a second of each section a page is sent: a large
	// one, such as that of a thousand sessions, is made less often.
	sectionRate = 200 << 10
)

// watch feeds the pages that are open by server-sent events (HTML Living Standard,
// section 9.2). One goroutine makes each fragment once for all of them, and only
// while somebody looks and when what it shows has changed; each page gets those
// that it has not seen, as fast as it reads them.
type watch struct {
	server *Server
	begin  chan struct{} // holds a token when the first page was opened

	mu        sync.Mutex
	pages     map[chan struct{}]struct{} // each holds a token when there is something new
	fragments []fragment
}

// fragment is a section of the page.
type fragment struct {
	name    string
	shows   func(*Snapshot) any
	shown   any       // what it was made from
	html    []byte    // as a server-sent event
	version int       // how often it was made
	due     time.Time // before that it is not made anew
}

func newWatch(s *Server) *watch {
	w := &watch{server: s, begin: make(chan struct{}, 1), pages: make(map[chan struct{}]struct{})}
	for _, section := range sections() {
		w.fragments = append(w.fragments, fragment{name: section.name, shows: section.shows})
	}
	return w
}

// run makes fragments until ctx ends.
func (w *watch) run(ctx context.Context) {
	for {
		select {
		case <-w.begin:
		case <-ctx.Done():
			return
		}
		for w.watched() {
			changed := w.server.cfg.Changed()
			w.make(w.server.snapshot())
			if !w.wait(ctx, changed) {
				return
			}
		}
	}
}

// wait waits for the next round; false: for ever.
func (w *watch) wait(ctx context.Context, changed <-chan struct{}) bool {
	next := time.NewTimer(glance)
	defer next.Stop()
	select {
	case <-next.C:
		return true
	case <-ctx.Done():
		return false
	case <-changed:
	case <-w.server.cfg.Timeline.changed:
	}
	next.Reset(atMost)
	select {
	case <-next.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *watch) watched() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pages) > 0
}

// make makes the fragments that show something new, and tells the pages.
func (w *watch) make(snap *Snapshot) {
	for i := range w.fragments {
		f := &w.fragments[i] // of this goroutine, but for what pages read
		shows := f.shows(snap)
		if snap.Time.Before(f.due) || f.version > 0 && reflect.DeepEqual(shows, f.shown) {
			continue
		}
		html, err := w.server.section(f.name, snap)
		if err != nil {
			w.server.cfg.Log.Error("status page", "section", f.name, "error", err)
			continue
		}
		w.mu.Lock()
		f.shown, f.html = shows, event(f.name, html)
		f.version++
		w.mu.Unlock()
		f.due = snap.Time.Add(time.Duration(len(html)) * time.Second / sectionRate)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for page := range w.pages {
		select {
		case page <- struct{}{}:
		default:
		}
	}
}

// event writes a server-sent event.
func event(name string, html []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\n", name)
	for line := range bytes.Lines(html) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			fmt.Fprintf(&b, "data: %s\n", line)
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// enter opens a page; nil: there are too many.
func (w *watch) enter() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pages) >= mostWatchers {
		return nil
	}
	page := make(chan struct{}, 1)
	w.pages[page] = struct{}{}
	select {
	case w.begin <- struct{}{}:
	default:
	}
	return page
}

func (w *watch) leave(page chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pages, page)
}

// unseen are the fragments that are newer than seen, which then has them.
func (w *watch) unseen(seen map[string]int) (html [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.fragments {
		if f.version != seen[f.name] {
			seen[f.name] = f.version
			html = append(html, f.html)
		}
	}
	return html
}

// serve keeps one page fed until it goes away, or reads too slowly.
func (w *watch) serve(rw http.ResponseWriter, r *http.Request) {
	page := w.enter()
	if page == nil {
		rw.Header().Set("Retry-After", "30")
		http.Error(rw, "Too many pages are open.", http.StatusServiceUnavailable)
		return
	}
	defer w.leave(page)
	control := http.NewResponseController(rw)
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("X-Accel-Buffering", "no") // nginx would keep the events to itself
	control.SetReadDeadline(time.Time{})
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	seen := make(map[string]int)
	for {
		var html [][]byte
		select {
		case <-r.Context().Done():
			return
		case <-page:
			if html = w.unseen(seen); len(html) == 0 {
				continue
			}
		case <-beat.C:
			html = [][]byte{[]byte(": still here\n\n")}
		}
		control.SetWriteDeadline(time.Now().Add(writeTimeout))
		for _, h := range html {
			if _, err := rw.Write(h); err != nil {
				return
			}
		}
		if control.Flush() != nil {
			return
		}
	}
}
