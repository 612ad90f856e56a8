package upnp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// askedTime is how long a subscription is asked for: what UDA 4.1.2
	// recommends as the least. It stands for times that make no sense, too.
	askedTime = 1800 * time.Second
	// A subscription is renewed at half of its time, within these bounds.
	soonestRenewal, latestRenewal = 30 * time.Second, time.Hour
	// After a refusal it is asked for again after 30 s, 1 min ... 30 min.
	firstSubscribePause, lastSubscribePause = 30 * time.Second, 30 * time.Minute
	// leaveTimeout bounds the farewell.
	leaveTimeout = time.Second
)

// errNoSubscription: the gateway does not know, or will not have, a subscription.
var errNoSubscription = errors.New("no subscription")

// subscription is one to the events of a service (UDA 4.1). Its methods are called
// by one goroutine, but for expects.
type subscription struct {
	web      *web
	at       *url.URL
	callback string

	mu     sync.Mutex
	id     string // SID; "": not subscribed
	asking bool   // and the answer is not here yet
}

// keep keeps the subscription alive until ctx ends, and then ends it.
func (s *subscription) keep(ctx context.Context, report func(gateway.Reason)) {
	defer s.end(ctx)
	for failures := 0; ctx.Err() == nil; {
		known := s.id != ""
		wait, err := s.ask(ctx)
		switch {
		case err == nil:
			failures = 0
		case known:
			// It restarted, perhaps, or is going to be found dead.
			report(gateway.MappingsChanged)
			wait = 0
		default:
			wait = min(firstSubscribePause<<min(failures, 10), lastSubscribePause)
			failures++
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// ask subscribes or renews, and says when to do so again. After an error there is
// no subscription. One that is under way when ctx ends is waited for a moment:
// without its name it could not be ended.
func (s *subscription) ask(ctx context.Context) (time.Duration, error) {
	header := map[string]string{"TIMEOUT": fmt.Sprintf("Second-%d", askedTime/time.Second)}
	if s.id == "" {
		header["CALLBACK"], header["NT"] = "<"+s.callback+">", "upnp:event"
	} else {
		header["SID"] = s.id
	}
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(leaveTimeout, cancel) })()
	s.set(s.id, true)
	a, err := s.exchange(patient, "SUBSCRIBE", header)
	switch {
	case err != nil && ctx.Err() != nil:
		s.set(s.id, false) // a renewal that is cut off may live on, and is to be ended
		return 0, ctx.Err()
	case err != nil:
		s.set("", false)
		return 0, err
	}
	id := a.header.Get("SID")
	if id == "" {
		id = s.id // a renewal that forgets to say so
	}
	s.set(id, false)
	if id == "" {
		return 0, fmt.Errorf("%w: it has no name", errNoSubscription)
	}
	return min(max(granted(a.header.Get("TIMEOUT"))/2, soonestRenewal), latestRenewal), nil
}

func (s *subscription) set(id string, asking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.asking = id, asking
}

// expects says whether an event of the subscription id is meant for us. While an
// answer is awaited it may be: some gateways send the first event before it, and
// wait for that to be taken.
func (s *subscription) expects(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return id != "" && (id == s.id || s.asking)
}

// end takes leave, so that the gateway does not send events to a dead port.
func (s *subscription) end(ctx context.Context) {
	if s.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_, _ = s.exchange(ctx, "UNSUBSCRIBE", map[string]string{"SID": s.id}) // it ends by itself otherwise
}

func (s *subscription) exchange(ctx context.Context, method string, header map[string]string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.at.String(), nil)
	if err != nil {
		return answer{}, err
	}
	for name, value := range header {
		req.Header[name] = []string{value} // in upper case, as UDA writes them
	}
	a, err := s.web.exchange(req)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("%w: HTTP status %d", errNoSubscription, a.status)
	}
	return a, err
}

// granted reads how long a subscription lasts (TIMEOUT, UDA 4.1.2).
func granted(text string) time.Duration {
	_, seconds, _ := strings.Cut(text, "-")
	n, err := strconv.ParseUint(strings.TrimSpace(seconds), 10, 31)
	if err != nil { // "Second-infinite", which UDA 1.1 gave up
		return askedTime
	}
	return time.Duration(n) * time.Second
}
