package control

import (
	"strings"
	"time"

	"natftpd/driver"
	"natftpd/server/data"
)

// What others see of a transfer while it runs, and what is counted of it.

// extent is how much of a file a transfer is about.
type extent struct{ size, offset int64 }

// unknownExtent is that of a listing.
var unknownExtent = extent{size: -1}

// extentOf is that of a file which was opened for a transfer. How much an upload
// brings only its client knows: ALLO may have said it.
func (s *session) extentOf(file *driver.File, t task, offset int64) extent {
	if t.uploads() {
		if s.announced < 0 {
			return extent{-1, offset}
		}
		return extent{offset + s.announced, offset}
	}
	if info, err := file.Stat(); err == nil {
		return extent{info.Size(), offset}
	}
	return extent{-1, offset}
}

// begun shows the transfer that runs over conn.
func (s *session) begun(t task, about extent, m meeting, conn *data.Conn) {
	command, _, _ := strings.Cut(t.text, " ")
	a := driver.Activity{
		Command: command, Size: about.size, Offset: about.offset,
		TLS: s.protected, Since: time.Now(), Flow: conn,
	}
	if t.listing != nil {
		a.Path = t.listing.dir
	} else {
		a.Path = s.abs(t.name)
	}
	if r, passive := m.endpoint.(*data.Reservation); passive {
		a.Port = r.Port()
	}
	s.entry.Begin(a)
}

// count counts a transfer that has ended.
func (s *session) count(t task, code int, missed, aborted bool) {
	a := s.entry.Activity()
	s.entry.Done()
	r := TransferResult{Kind: "download", Channel: "clear", Result: "complete"}
	switch {
	case t.listing != nil:
		r.Kind = "listing"
	case t.uploads():
		r.Kind = "upload"
	}
	if s.protected {
		r.Channel = "tls"
	}
	switch {
	case code < 400:
	case aborted:
		r.Result = "aborted"
	case missed:
		r.Result = "missed"
	default:
		r.Result = "failed"
	}
	s.front.cfg.Counters.Transfers.add(r)
	if a == nil || t.listing != nil {
		return
	}
	s.front.cfg.Happened(Transfer{
		Client: s.client, User: s.entry.User(), Path: a.Path, Upload: r.Kind == "upload",
		Bytes: a.Flow.Sent() + a.Flow.Received(), Took: time.Since(a.Since), TLS: a.TLS, Complete: r.Result == "complete",
	})
}
