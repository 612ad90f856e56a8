package driver

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// resumeCopy is how much of a whole file is copied into a partial, for the file
// to be resumed atomically. What is longer is resumed in place: it would cost
// its size and the time to copy it, and has no end that is worth keeping.
const resumeCopy = 64 << 20

// errGone refuses to append to something else than the client was told of.
var errGone = fmt.Errorf("the interrupted upload is not here any more; send the file from its beginning: %w", fs.ErrNotExist)

// sizes are those of what a client may mean when it goes on with an upload. none
// stands for what is not there.
type sizes struct {
	whole   int64 // the file that has the name
	waiting int64 // the partial
	told    int64 // the partial, as this session was told
}

const none = -1

func (h *Home) sizes(t target, s spot, whole fs.FileInfo) (there sizes, err error) {
	there = sizes{whole: none, waiting: none, told: h.told.size(t.name)}
	if whole != nil {
		there.whole = whole.Size()
	}
	partial, err := h.partial(s)
	switch {
	case err != nil || partial == nil:
		return there, err
	case h.ledger.isWritten(partial):
		return there, errWritten
	case whole == nil || !h.ledger.isAsked(h.owner, t.name):
		there.waiting = partial.Size()
	}
	return there, nil
}

// plan is what an upload goes on with.
type plan struct {
	inWhole bool  // the whole file; else the partial
	stay    int64 // how much of the partial stays
}

// resume decides what STOR at an offset (RFC 959, section 4.1.3, REST), or APPE,
// goes on with. A client without an offset means the end of what it was told of;
// told nothing, it means the whole file.
func resume(appends bool, offset int64, there sizes) (plan, error) {
	switch {
	case there.told > there.waiting:
		return plan{}, errGone
	case appends && there.told != none:
		return plan{stay: there.told}, nil
	case appends && there.whole == none:
		return plan{stay: max(0, there.waiting)}, nil
	case appends:
		return plan{inWhole: true}, nil
	case offset <= there.waiting:
		return plan{stay: offset}, nil
	case offset <= there.whole:
		return plan{inWhole: true}, nil
	case there.whole == none && there.waiting == none:
		return plan{}, fs.ErrNotExist
	default:
		return plan{}, restartError(offset, max(there.whole, there.waiting))
	}
}

func restartError(offset, size int64) error {
	return fmt.Errorf("restart at %d of %d bytes: %w", offset, size, fs.ErrInvalid)
}

// resumeWhole goes on with a file that is whole, from an offset in it. Where
// that is cheap it happens in a copy; else, and for APPE always, in place: a log
// file is not copied for each line.
func (h *Home) resumeWhole(t target, s spot, flags int, offset int64) (*File, error) {
	if flags&os.O_APPEND == 0 && offset <= resumeCopy {
		if f, err := h.copyWhole(t, s, offset); err == nil {
			return f, nil
		} // no room for both: in place there may be
	}
	f, info, err := h.open(t, flags)
	if err != nil {
		return nil, err
	}
	if offset > info.Size() { // it has become shorter this very moment
		_ = f.Close() // nothing was written to it
		return nil, restartError(offset, info.Size())
	}
	return f, nil
}

// copyWhole makes a partial of the first bytes of a whole file. The kernel
// copies, or shares the blocks where the file system can.
func (h *Home) copyWhole(t target, s spot, size int64) (*File, error) {
	whole, info, err := openKind(s, s.name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = whole.Close() }() // it was only read
	if size > info.Size() {
		return nil, restartError(size, info.Size())
	}
	f, err := h.openPartial(t, s, true, rules[modify][h.access] != yes, 0)
	if err != nil {
		return nil, err
	}
	if err = f.room(size, 0); err == nil {
		_, err = io.CopyN(f.file, whole, size)
		f.settled()
	}
	if err != nil {
		f.TransferError(err)
		return nil, errors.Join(err, f.file.Truncate(0), f.Close())
	}
	return f, nil
}
