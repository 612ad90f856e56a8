package natdiscovery

import (
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// News is what a gateway, or whoever pretends to be it, announces. It costs a
	// request each for newsBurst pieces at most, and then for one in newsPause: with
	// the polls that is no more than 12 requests a minute.
	newsBurst = 10
	newsPause = 10 * time.Second
	// echo is how long news of the gateway's mappings may be of our own changes.
	echo = 3 * time.Second
	// suspicionPause is the least time between two checks of all mappings for news.
	suspicionPause = time.Minute
)

// budget is how much news may still cost.
type budget struct {
	spent int
	at    time.Time // when the oldest of it is forgotten
}

// take says whether one more piece may be acted on, of burst pieces at most and then
// of one in each pause.
func (b *budget) take(now time.Time, burst int, pause time.Duration) bool {
	for b.spent > 0 && !now.Before(b.at) {
		b.spent--
		b.at = b.at.Add(pause)
	}
	if b.spent >= burst {
		return false
	}
	if b.spent == 0 {
		b.at = now.Add(pause)
	}
	b.spent++
	return true
}

// gatewayNews is an announcement. It is never believed, only a reason to ask.
type gatewayNews struct{ reason gateway.Reason }

func (e gatewayNews) apply(c *core, now time.Time) {
	g := &c.gw
	switch {
	case e.reason == gateway.MappingsChanged && now.Sub(g.changed) < echo:
		return
	case !c.news.take(now, newsBurst, newsPause):
		return
	case !g.found:
		if g.ever || g.searches > 0 { // else the first search has yet to end
			g.at = now
		}
		return
	}
	if e.reason != gateway.MappingsChanged {
		g.announces = true
	}
	switch e.reason {
	case gateway.MappingsChanged:
		c.suspect(now)
	case gateway.Restarted, gateway.Gone:
		g.refind = true
	default:
		g.pollAt = now
		c.suspect(now)
	}
}

// suspect has all mappings checked, but not for each piece of news anew. A check that
// is to come sees this, too.
func (c *core) suspect(now time.Time) {
	if !c.suspected.After(now) {
		c.suspected = later(now, c.suspected.Add(suspicionPause))
	}
	for i := range c.ports {
		if p := &c.ports[i]; p.suspect.IsZero() {
			p.suspect = c.suspected
		}
	}
}
