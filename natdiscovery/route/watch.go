package route

import (
	"context"
	"fmt"
	"io"
	"time"
)

const (
	// settle is how long after the first sign of a change the network is looked
	// at: changes come in bursts, and a storm of them costs four looks a second.
	settle = 250 * time.Millisecond
	// pollInterval is how often it is looked at without any sign: all there is on
	// systems whose kernel we don't listen to, the safety net on the others.
	pollInterval = 15 * time.Second
)

// Watch calls changed after each change of what Current tells, at most four times
// a second, and once after signs of change were lost. It blocks until ctx ends and
// then returns nil. An error means that the network can't be read at all.
//
// changed runs on Watch's goroutine and delays it; it is given nothing because only
// Current tells what is true when the caller gets to it. A change before Watch was
// called is not reported.
func Watch(ctx context.Context, changed func()) error {
	return kernel{Current, subscribe}.watch(ctx, changed)
}

// kernel is what a watch needs of the system.
type kernel struct {
	current func() (Network, error)
	// subscribe opens a reader from which something can be read after each
	// change, and which fails when some may have been lost (ENOBUFS).
	subscribe func() (io.ReadCloser, error)
}

// watch is Watch on a system of the caller's choice.
func (k kernel) watch(ctx context.Context, changed func()) error {
	signs := k.listen()
	defer func() { signs.close() }()
	last, err := k.current()
	if err != nil {
		return fmt.Errorf("watch the network: %w", err)
	}
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
			if signs.reader == nil {
				signs = k.listen()
			}
		case _, ok := <-signs.arrived:
			if !ok {
				// Listen again before looking, and take whatever is seen for news.
				signs.close()
				signs, last = k.listen(), Network{}
			}
			if !pause(ctx, settle) {
				return nil
			}
		}
		// A look that fails is made up for by the next poll.
		if now, err := k.current(); err == nil && !now.Equal(last) {
			last = now
			changed()
		}
	}
}

// signs is a subscription with a goroutine that reads it. The zero signs never
// come.
type signs struct {
	reader io.ReadCloser
	// arrived holds at most one sign, for any number. It is closed when the
	// subscription breaks.
	arrived chan struct{}
}

// listen subscribes. If that is not possible it returns the zero signs.
func (k kernel) listen() signs {
	reader, err := k.subscribe()
	if err != nil {
		return signs{}
	}
	s := signs{reader, make(chan struct{}, 1)}
	go s.collect()
	return s
}

// collect turns what can be read into signs.
func (s signs) collect() {
	defer close(s.arrived)
	message := make([]byte, 1) // The kernel drops the rest of a datagram.
	for {
		if _, err := s.reader.Read(message); err != nil {
			return
		}
		select {
		case s.arrived <- struct{}{}:
		default:
		}
	}
}

// close ends the subscription and waits for its goroutine.
func (s signs) close() {
	if s.reader == nil {
		return
	}
	s.reader.Close()
	for range s.arrived {
	}
}

// pause waits for d. It says false if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
