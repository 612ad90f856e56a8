package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"natftpd/driver"
	"natftpd/server/data"
)

// task is a command that runs over a data connection.
type task struct {
	text    string // as the client asked for it
	listing *listing
	// Else it is a file: its name, what to open it for, and what is said when it
	// begins, if it is not the usual.
	name  string
	flags int
	begun string
}

func (t task) uploads() bool { return t.flags&os.O_WRONLY != 0 }

func (s *session) cmdRetr(arg string) {
	s.transfer(task{text: join("RETR", arg), name: arg, flags: os.O_RDONLY})
}

// cmdStor stores a file anew, or after REST goes on with it.
func (s *session) cmdStor(arg string) {
	flags := os.O_WRONLY | os.O_CREATE
	if s.offset == 0 {
		flags |= os.O_TRUNC
	}
	s.transfer(task{text: join("STOR", arg), name: arg, flags: flags})
}

func (s *session) cmdAppe(arg string) {
	s.offset = 0
	s.transfer(task{text: join("APPE", arg), name: arg, flags: os.O_WRONLY | os.O_CREATE | os.O_APPEND})
}

// transfer runs a task.
func (s *session) transfer(t task) {
	offset := s.offset // a listing begins at its beginning
	s.offset = 0
	switch {
	case s.meeting.endpoint == nil:
		s.say(line(425, "Use PASV, EPSV, PORT or EPRT first."))
	case s.front.cfg.TLSRequired && !s.protected: // RFC 4217, section 9
		s.log.Warn("transfer failed", "user", s.entry.User(), "command", t.text, "code", 521, "reason", "TLS is required for data connections (tls.mode)")
		s.say(line(521, "Data connections need TLS here. Use PBSZ 0 and PROT P first."))
	default:
		s.perform(work{shown: t.text}, func() reply {
			err := s.run(t, offset)
			return s.finished(t, err)
		})
	}
}

// run transfers. The file is open before the data connection, and is whole in its
// place before that is closed.
func (s *session) run(t task, offset int64) error {
	var file *driver.File
	about := unknownExtent
	if t.listing == nil {
		var err error
		if file, about, err = s.open(t, offset); err != nil {
			return err
		}
	}
	conn, err := s.openData(t, about)
	if err == nil {
		err = s.carry(t, conn, file)
	}
	if file != nil {
		if err != nil {
			file.TransferError(err)
		}
		if closed := file.Close(); t.uploads() && err == nil {
			err = closed
		}
	}
	if conn != nil {
		if closed := conn.Close(); err == nil && !errors.Is(closed, net.ErrClosed) {
			err = closed
		}
	}
	return err
}

// open opens the file of a task.
func (s *session) open(t task, offset int64) (*driver.File, extent, error) {
	handle, err := s.home.GetHandle(s.abs(t.name), t.flags, offset)
	if err != nil {
		return nil, unknownExtent, err
	}
	file := handle.(*driver.File)
	if offset > 0 {
		if _, err := file.Seek(offset, io.SeekStart); err != nil {
			file.TransferError(err)
			_ = file.Close() // nothing was written to it
			return nil, unknownExtent, err
		}
	}
	return file, s.extentOf(file, t, offset), nil
}

// carry moves what a task is about.
func (s *session) carry(t task, conn *data.Conn, file *driver.File) (err error) {
	switch {
	case t.listing != nil:
		if _, err := conn.Write(nil); err != nil { // the TLS handshake, also for an empty listing
			return err
		}
		return t.listing.write(conn)
	case t.uploads() && s.ascii:
		_, err = io.Copy(file, toHostEnds(conn))
	case t.uploads():
		_, err = conn.WriteTo(file)
	case s.ascii:
		_, err = conn.ReadFrom(toNetworkEnds(file))
	default:
		_, err = conn.ReadFrom(file)
	}
	return err
}

// openData opens the data connection that the client arranged.
func (s *session) openData(t task, about extent) (*data.Conn, error) {
	m := s.meeting
	s.meeting = meeting{}
	defer m.endpoint.Close()
	tcp, err := s.meet(m)
	s.report(m, err)
	if err != nil {
		return nil, err
	}
	cfg := s.front.cfg.TLS
	if !s.protected {
		cfg = nil
	}
	conn := data.NewConn(tcp, cfg, s.front.cfg.DataTimeout, data.Pace{Down: s.account.Download, Up: s.account.Upload})
	if t.listing == nil {
		conn.Confirm(s.present)
		conn.Announce(s.announced)
		conn.Expect(about.size - about.offset)
		s.announced = -1
	}
	s.mu.Lock()
	s.stream = conn
	s.cancel = conn.Abort
	if s.aborted || s.killed {
		conn.Abort()
	}
	s.mu.Unlock()
	s.begun(t, about, m, conn)
	s.say(t.opening())
	s.flush()
	return conn, nil
}

// opening is said when the data connection is there.
func (t task) opening() reply {
	if t.begun != "" {
		return line(150, "%s", t.begun)
	}
	return usualOpening
}

var usualOpening = line(150, "Data connection open.")

// meet waits for the data connection, or makes it. Mostly the client has been
// there before its command was.
func (s *session) meet(m meeting) (*net.TCPConn, error) {
	if r, passive := m.endpoint.(*data.Reservation); passive {
		if tcp := r.Arrived(); tcp != nil {
			return tcp, nil
		}
	}
	ctx, cancel := s.abortable()
	defer cancel()
	ctx, done := context.WithTimeoutCause(ctx, s.front.cfg.DataTimeout, fmt.Errorf("waited %s", s.front.cfg.DataTimeout))
	defer done()
	begun := time.Now()
	tcp, err := m.endpoint.Open(ctx)
	if err != nil {
		s.mu.Lock()
		s.missed = &missed{meeting: m, waited: time.Since(begun), err: err}
		s.mu.Unlock()
	}
	return tcp, err
}

// errLeft: RFC 959, section 3.2, has the end of the control connection end the
// data connection. A client that was killed ends both at once, and half a file
// must not pass for a whole one.
var errLeft = errors.New("the control connection ended with it, the file may be incomplete")

// present is nil unless the client has left without a word.
func (s *session) present() error {
	if hungUp(s.tcp) {
		return errLeft
	}
	return nil
}

// report tells what became of a passive data connection, unless the client
// itself gave it up.
func (s *session) report(m meeting, err error) {
	s.mu.Lock()
	gaveUp := s.aborted || s.killed
	s.mu.Unlock()
	if _, passive := m.endpoint.(*data.Reservation); passive && (err == nil || !gaveUp) {
		s.front.cfg.Counters.Arrivals.add(Arrival{Class: m.class, Arrived: err == nil})
		s.front.cfg.Awaited(Outcome{Client: s.client, Told: m.told, Outside: m.outside, Arrived: err == nil})
	}
}

// finished makes the last reply to a transfer out of what became of it. RFC 959,
// section 5.4, tells the data connection (425, 426) from the file (451, 552).
func (s *session) finished(t task, err error) reply {
	s.mu.Lock()
	stream, missed, aborted := s.stream, s.missed, s.aborted
	s.mu.Unlock()
	var broken error
	var sent, received int64
	if stream != nil {
		broken, sent, received = stream.Err(), stream.Sent(), stream.Received()
	}
	var out reply
	switch {
	case aborted && (missed != nil || broken != nil):
		out = line(426, "Data connection closed; transfer aborted.")
	case missed != nil:
		out = line(425, "No data connection: %s.", missed.public())
	case broken != nil:
		out = line(426, "Data connection broke: %s.", public(broken))
	case err == nil:
		out = complete
	case stream == nil, errors.Is(err, ftpserver.ErrFileNameNotAllowed):
		out = s.refusalOf(err)
	case errors.Is(err, ftpserver.ErrStorageExceeded):
		out = full(err.Error())
	default:
		out = line(451, "%s", err)
	}
	s.count(t, out.code, missed != nil, aborted)
	// Five attributes are what a slog.Record has room for in itself.
	facts := [...]slog.Attr{
		slog.String("user", s.entry.User()), slog.String("command", t.text), slog.String("folder", s.ctx.Path()),
		slog.Int64("sent", sent), slog.Int64("received", received),
	}
	level, text, more := slog.LevelInfo, "transfer complete", []slog.Attr(nil)
	switch {
	case out.code >= 400:
		level, text = slog.LevelWarn, "transfer failed"
		more = append(more, slog.Int("code", out.code), slog.String("reason", out.text[0]))
		if missed != nil && !aborted {
			more = append(more, missed.facts(s)...)
		}
	case t.listing != nil:
		level = slog.LevelDebug
	}
	s.log.LogAttrs(s.gone, level, text, append(facts[:], more...)...)
	return out
}

var complete = line(226, "Transfer complete.")

// public is what a client is told of an error of its connection: not our
// addresses and descriptors, which a net.OpError lists.
func public(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}
