package route

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeKernel is a network whose address the test moves, and whose signs of change it
// sends. It lives in one synctest bubble.
type fakeKernel struct {
	t *testing.T

	mu sync.Mutex
	// addr is in the Network that it tells; err comes instead of it, if set.
	addr netip.Addr
	err  error
	// deaf refuses subscriptions; subscribed counts those granted.
	deaf       bool
	subscribed int
	signs      *io.PipeWriter
	// fired is how often the watcher called.
	fired int
}

func (f *fakeKernel) current() (Network, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Network{Local: f.addr, LANs: []netip.Prefix{linkLocal6}}, f.err
}

func (f *fakeKernel) subscribe() (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf {
		return nil, errors.New("not permitted")
	}
	f.subscribed++
	var read io.ReadCloser
	read, f.signs = io.Pipe()
	return read, nil
}

// with changes the fake.
func (f *fakeKernel) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// move gives us the next address, without a sign.
func (f *fakeKernel) move() { f.with(func() { f.addr = f.addr.Next() }) }

// sign is a message from the kernel.
func (f *fakeKernel) sign() {
	if _, err := f.signs.Write([]byte{0}); err != nil {
		f.t.Error(err)
	}
}

// after lets time pass and says how often the watcher has called by then.
func (f *fakeKernel) after(d time.Duration, want int) {
	f.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fired != want {
		f.t.Errorf("got %d calls, want %d", f.fired, want)
	}
}

// watching runs story beside a watch of a fake kernel.
func watching(t *testing.T, deaf bool, story func(f *fakeKernel)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeKernel{t: t, deaf: deaf, addr: netip.MustParseAddr("192.168.77.10")}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- kernel{f.current, f.subscribe}.watch(ctx, func() { f.with(func() { f.fired++ }) }) }()
		synctest.Wait()
		story(f)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("got error %v at the end, want none", err)
		}
	})
}

func TestWatch(t *testing.T) {
	const soon = 2 * settle
	tests := []struct {
		name  string
		deaf  bool
		story func(f *fakeKernel)
	}{
		{"nothing happens", false, func(f *fakeKernel) { f.after(time.Hour, 0) }},
		{"a change is reported soon", false, func(f *fakeKernel) { f.move(); f.sign(); f.after(soon, 1); f.after(time.Hour, 1) }},
		{"a sign without a change is not", false, func(f *fakeKernel) { f.sign(); f.after(time.Hour, 0) }},
		{"a burst of changes is one", false, func(f *fakeKernel) {
			for range 100 {
				f.move()
				f.sign()
			}
			f.after(time.Hour, 1)
		}},
		{"a storm is a few calls a second", false, func(f *fakeKernel) {
			for range 1000 {
				f.move()
				f.sign()
				time.Sleep(time.Millisecond)
			}
			f.after(time.Hour, 4)
		}},
		{"a change without a sign is seen by the poll", false, func(f *fakeKernel) { f.move(); f.after(soon, 0); f.after(pollInterval, 1) }},
		{"a look that fails is made up for", false, func(f *fakeKernel) {
			f.with(func() { f.err = errors.New("out of memory") })
			f.move()
			f.sign()
			f.after(soon, 0)
			f.with(func() { f.err = nil })
			f.after(pollInterval, 1)
		}},
		{"after lost signs there is one call, and others follow", false, func(f *fakeKernel) {
			f.signs.CloseWithError(syscall.ENOBUFS)
			f.after(soon, 1)
			f.after(time.Hour, 1)
			f.move()
			f.sign()
			f.after(soon, 2)
			if f.subscribed != 2 {
				f.t.Errorf("got %d subscriptions, want 2", f.subscribed)
			}
		}},
		{"a kernel that refuses a subscription is polled", true, func(f *fakeKernel) { f.move(); f.after(pollInterval, 1) }},
		{"and asked for it again", true, func(f *fakeKernel) {
			f.with(func() { f.deaf = false })
			f.after(pollInterval, 0)
			f.move()
			f.sign()
			f.after(soon, 1)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { watching(t, tt.deaf, tt.story) })
	}
}

func TestWatchNeedsAReadableNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeKernel{t: t, err: syscall.EPERM}
		err := kernel{f.current, f.subscribe}.watch(t.Context(), func() { t.Error("called, want not") })
		if !errors.Is(err, syscall.EPERM) {
			t.Errorf("got error %v, want %v", err, syscall.EPERM)
		}
	})
}
