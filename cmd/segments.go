package cmd

import (
	"context"
	"log/slog"

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
	setting conf.SegmentSize
	limit   func(size int) error
	log     *slog.Logger
	current int
}

// watch follows the measured path MTU, if the configuration leaves it to that.
func (s *segments) watch(ctx context.Context, discovery *natdiscovery.Discovery) {
	for s.setting.Auto {
		changed, st := discovery.Changed(), discovery.Status()
		s.set(segmentSize(st.PathMTU))
		select {
		case <-changed:
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
