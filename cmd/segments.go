package cmd

import (
	"context"
	"log/slog"
	"sync/atomic"

	"natftpd/conf"
	"natftpd/natdiscovery"
	"natftpd/natdiscovery/stun"
)

const (
	// ethernet is the packet size that needs no limit: every host expects it.
	ethernet = 1500
	// ipv6Header is by how much IPv6's header is longer. The ports serve both.
	ipv6Header = 20
)

// segments keeps TCP segments as small as the way to the internet needs them:
// on a PPPoE line whose router says nothing, larger packets just vanish, and
// every transfer hangs.
type segments struct {
	setting atomic.Pointer[conf.SegmentSize]
	changed chan struct{} // holds a token when setting is another one
	limit   func(size int) error
	log     *slog.Logger
	current int // watch's
}

func newSegments(setting conf.SegmentSize, limit func(size int) error, log *slog.Logger) *segments {
	s := &segments{changed: make(chan struct{}, 1), limit: limit, log: log}
	s.setting.Store(&setting)
	return s
}

// change sets another setting. watch follows it.
func (s *segments) change(setting conf.SegmentSize) {
	s.setting.Store(&setting)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// watch follows the setting, and the measured path MTU if that is left to it.
func (s *segments) watch(ctx context.Context, discovery *natdiscovery.Discovery) {
	for {
		measured, st := discovery.Changed(), discovery.Status()
		if setting := s.setting.Load(); setting.Auto {
			s.set(segmentSize(st.PathMTU))
		} else {
			s.set(int(setting.Bytes))
		}
		select {
		case <-measured:
		case <-s.changed:
		case <-ctx.Done():
			return
		}
	}
}

// segmentSize is the limit that a path MTU calls for; zero: none.
func segmentSize(mtu int) int {
	if mtu == 0 || mtu >= ethernet {
		return 0
	}
	return stun.MaxSegment(mtu) - ipv6Header
}

func (s *segments) set(size int) {
	if size == s.current {
		return
	}
	s.current = size
	if err := s.limit(size); err != nil {
		s.log.Warn("TCP segments cannot be limited; large transfers may hang", "bytes", size, "error", err)
		return
	}
	s.log.Info("TCP segments limited", "bytes", size)
}
