package driver

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// The files of a new world have 11 bytes: "content" and "deep".
const worldBytes = 11

// limited opens the home for an account with a quota.
func (w world) limited(quota int64) *Home {
	w.t.Helper()
	return w.openAs(&Account{Name: "alice", Access: ReadWrite, files: atomically, quota: quota})
}

// used is how much of the quota is used, and checks that the disk agrees.
func (w world) used() int64 {
	w.t.Helper()
	var onDisk int64
	err := filepath.WalkDir(w.home, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			info, errInfo := d.Info()
			onDisk, err = onDisk+info.Size(), errInfo
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if got := w.ledger.usage.used; got != onDisk || w.ledger.usage.reserved != 0 {
		w.t.Errorf("counted: %d bytes, of these %d reserved; there are %d", got, w.ledger.usage.reserved, onDisk)
	}
	return w.ledger.usage.used
}

// put uploads a file of some size.
func put(h *Home, name string, flags, size int) error {
	f, err := h.GetHandle(name, os.O_WRONLY|flags, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, size))
	if err != nil {
		f.(*File).TransferError(err)
	}
	return errors.Join(err, f.Close())
}

func TestWhatFitsIntoAQuota(t *testing.T) {
	full := func(err error) bool { return errors.Is(err, ftpserver.ErrStorageExceeded) && errors.Is(err, errQuota) }
	fine := func(err error) bool { return err == nil }
	tests := map[string]struct {
		do     func(w world, h *Home) error
		expect func(error) bool
		used   int64
	}{
		"what just fits":               {func(_ world, h *Home) error { return put(h, "/new", overwrite, 89) }, fine, 100},
		"a byte too much":              {func(_ world, h *Home) error { return put(h, "/new", overwrite, 90) }, full, 11},
		"an append that just fits":     {func(_ world, h *Home) error { return put(h, "/file", appending, 89) }, fine, 100},
		"an append of a byte too much": {func(_ world, h *Home) error { return put(h, "/file", appending, 90) }, full, 11},
		"an empty file in a full home": {func(_ world, h *Home) error {
			return errors.Join(put(h, "/a", overwrite, 89), put(h, "/b", overwrite, 0))
		}, fine, 100},
		"an overwrite frees the old file": {func(_ world, h *Home) error {
			return errors.Join(put(h, "/file", overwrite, 40), put(h, "/file", overwrite, 50))
		}, fine, 54},
		"old and new have to fit": {func(_ world, h *Home) error {
			return errors.Join(put(h, "/file", overwrite, 50), put(h, "/file", overwrite, 50))
		}, full, 54},
		"a deleted file":                       {func(_ world, h *Home) error { return h.Remove("/file") }, fine, 4},
		"a deleted tree":                       {func(_ world, h *Home) error { return h.RemoveAll("/dir") }, fine, 7},
		"a file deleted as a tree":             {func(_ world, h *Home) error { return h.RemoveAll("/file") }, fine, 4},
		"a file renamed over another":          {func(_ world, h *Home) error { return h.Rename("/file", "/dir/below") }, fine, 7},
		"a file renamed":                       {func(_ world, h *Home) error { return h.Rename("/file", "/other") }, fine, 11},
		"a file made shorter":                  {func(_ world, h *Home) error { return truncated(h, 2) }, fine, 6},
		"a file made longer":                   {func(_ world, h *Home) error { return truncated(h, 96) }, fine, 100},
		"a file made too long":                 {func(_ world, h *Home) error { return truncated(h, 97) }, full, 11},
		"a file emptied in place":              {func(_ world, h *Home) error { return opened(h.Create("/file")) }, fine, 4},
		"a file deleted while written":         {deletedWhileWritten, fine, 4},
		"a whole file resumed":                 {func(_ world, h *Home) error { return sendAt(h, "/file", os.O_CREATE, 7) }, fine, 15},
		"a link to a folder deleted as a tree": {func(w world, h *Home) error { w.link("dir", "link"); return h.RemoveAll("/link") }, fine, 11},
		"a file that came meanwhile replaced":  {replacedMeanwhile, fine, 15},
		"an upload sought back into":           {writtenAgain(func(f *File) error { _, err := f.Seek(2, io.SeekStart); return err }), fine, 21},
		"an upload sought back into, that just fits": {writtenAgain(func(f *File) error {
			_, err := f.Seek(85, io.SeekStart)
			return err
		}), fine, 100},
		"an upload sought far ahead in": {writtenAgain(func(f *File) error { _, err := f.Seek(86, io.SeekStart); return err }), full, 21},
		"an upload cut":                 {writtenAgain(func(f *File) error { return f.Truncate(0) }), fine, 25},
		"an upload written far ahead":   {writtenAgain(func(f *File) error { return second2(f.WriteAt(make([]byte, 4), 30)) }), fine, 45},
		"nothing deleted as a tree":     {func(_ world, h *Home) error { return h.RemoveAll("/none") }, fine, 11},
		"a link deleted":                {func(w world, h *Home) error { w.link("file", "link"); return h.Remove("/link") }, fine, 11},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.limited(100)
			if err := h.ledger.ready(t.Context(), h.root); err != nil {
				t.Fatal(err)
			}
			if err := test.do(w, h); !test.expect(err) {
				t.Errorf("got %v", err)
			}
			if got := w.used(); got != test.used {
				t.Errorf("used: got %d, want %d", got, test.used)
			}
			w.wantNoPartials()
		})
	}
}

// writtenAgain sends ten bytes, and from then on other ways than to the end.
func writtenAgain(elsewhere func(f *File) error) func(world, *Home) error {
	return func(_ world, h *Home) error {
		handle, err := h.GetHandle("/new", os.O_WRONLY|overwrite, 0)
		if err != nil {
			return err
		}
		f := handle.(*File)
		_, errFirst := f.Write(make([]byte, 10))
		errElsewhere := elsewhere(f)
		_, errLast := f.Write(make([]byte, 4))
		return errors.Join(errFirst, errElsewhere, errLast, f.Close())
	}
}

// replacedMeanwhile begins an upload of a new file while another session sends
// one.
func replacedMeanwhile(_ world, h *Home) error {
	f, err := h.GetHandle("/dir/new", os.O_WRONLY|overwrite, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4))
	return errors.Join(err, put(h, "/dir/new", overwrite, 20), f.Close())
}

func truncated(h *Home, size int64) error {
	f, err := h.OpenFile("/file", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

func deletedWhileWritten(_ world, h *Home) error {
	f, err := h.GetHandle("/file", os.O_WRONLY|appending, 0)
	if err != nil {
		return err
	}
	_, errOne := f.Write(make([]byte, 10))
	errRemove := h.Remove("/file")
	_, errTwo := f.Write(make([]byte, 10))
	return errors.Join(errOne, errRemove, errTwo, f.Close())
}

func TestTheWordsOfAQuota(t *testing.T) {
	for quota, want := range map[int64]string{
		100:             "quota of 100 bytes is used up",
		1500:            "quota of 1.5 kB is used up",
		100_000_000_000: "quota of 100.0 GB is used up",
		5e15:            "quota of 5000.0 TB is used up",
	} {
		if got := quotaError(quota).Error(); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPartialsCount(t *testing.T) {
	w := newWorld(t)
	h := w.limited(100)
	if err := put(h, "/new", overwrite, 80); err != nil {
		t.Fatal(err)
	}
	interrupt(t, h, "/other", "123456789")
	if got := w.used(); got != 100 {
		t.Errorf("used: got %d, want 100", got)
	}
	free, err := h.GetAvailableSpace("/")
	if err != nil || free != 0 {
		t.Errorf("AVBL: got %d, %v, want 0", free, err)
	}
	if err := h.RemoveAll("/"); err == nil {
		t.Error("the home was removed")
	}
	if err := h.Remove("/other"); err != nil {
		t.Fatal(err)
	}
	if got := w.used(); got != 91 {
		t.Errorf("used: got %d, want 91", got)
	}
}

// TestAQuotaIsExactUnderParallelUploads fills a home to the last byte, in both
// ways that bytes come in.
func TestAQuotaIsExactUnderParallelUploads(t *testing.T) {
	const sessions, each = 8, 500_000
	for name, quota := range map[string]int64{"all fit": worldBytes + sessions*each, "one does not": worldBytes + sessions*each - 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var all sync.WaitGroup
			errs := make([]error, sessions)
			for i := range sessions {
				h := w.limited(quota)
				all.Go(func() { errs[i] = inPieces(h, "/"+string(rune('a'+i)), each) })
			}
			all.Wait()
			refused := 0
			for _, err := range errs {
				if errors.Is(err, errQuota) {
					refused++
				} else if err != nil {
					t.Error(err)
				}
			}
			if want := int(worldBytes + sessions*each - quota); refused != want {
				t.Errorf("refused: got %d, want %d", refused, want)
			}
			if got := w.used(); got > quota {
				t.Errorf("used: %d bytes of %d", got, quota)
			}
		})
	}
}

// inPieces uploads as package data does: past the File where it may.
func inPieces(h *Home, name string, left int64) error {
	handle, err := h.GetHandle(name, os.O_WRONLY|overwrite, 0)
	if err != nil {
		return err
	}
	f := handle.(*File)
	for left > 0 && err == nil {
		piece := min(left, 1+rand.Int64N(200_000))
		n, granted := piece, f.Reserve(piece)
		if granted > 0 {
			n = min(granted, 1+rand.Int64N(granted)) // the connection had no more
			_, err = f.OSFile().Write(make([]byte, n))
			f.Release(granted - n)
		} else {
			_, err = f.Write(make([]byte, n))
		}
		left -= n
	}
	if err != nil {
		f.TransferError(err)
	}
	return errors.Join(err, f.Close())
}

// TestAnUploadWaitsForWhatOthersMayGiveBack has one session reserve nearly all
// there is.
func TestAnUploadWaitsForWhatOthersMayGiveBack(t *testing.T) {
	for name, givenBack := range map[string]bool{"given back": true, "kept too long": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				h := w.limited(worldBytes + 2*minReserve)
				slow := start(t, h, "/slow", overwrite, 0, "")
				if got := slow.Reserve(1 << 30); got != minReserve {
					t.Fatalf("reserved: got %d, want half of what is left", got)
				}
				done := make(chan error)
				go func() { done <- put(w.limited(worldBytes+2*minReserve), "/fast", overwrite, 2*int(minReserve)) }()
				synctest.Wait()
				if givenBack {
					slow.Release(minReserve)
				} else {
					time.Sleep(reservePatience)
				}
				if err := <-done; (err == nil) != givenBack {
					t.Errorf("got %v", err)
				}
				if err := slow.Close(); err != nil {
					t.Error(err)
				}
				w.used()
			})
		})
	}
}

func TestWithoutAQuotaAllMayBeReserved(t *testing.T) {
	h := newWorld(t).openWith(ReadWrite, atomically)
	f := start(t, h, "/new", overwrite, 0, "")
	if got := f.Reserve(1 << 40); got != 1<<40 {
		t.Errorf("got %d, want all", got)
	}
	f.Release(1 << 40)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestAnAccountWithoutQuotaCounts in the home of one that has a quota.
func TestAnAccountWithoutQuotaCounts(t *testing.T) {
	w := newWorld(t)
	h := w.limited(100)
	if err := put(w.limited(0), "/big", overwrite, 200); err != nil {
		t.Fatal(err)
	}
	if err := put(h, "/new", overwrite, 1); !errors.Is(err, errQuota) {
		t.Errorf("got %v, want the quota to be used up", err)
	}
	if got := w.used(); got != worldBytes+200 {
		t.Errorf("used: got %d, want %d", got, worldBytes+200)
	}
}

func TestABrokenConnectionIsNoQuota(t *testing.T) {
	w := newWorld(t)
	h := w.limited(100)
	f := start(t, h, "/new", overwrite, 0, "half")
	f.TransferError(io.ErrUnexpectedEOF)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if got := w.used(); got != worldBytes+4 {
		t.Errorf("used: got %d, want %d", got, worldBytes+4)
	}
}
