package upnp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

// publisher answers subscriptions in turn, the last answer for ever, and notes what
// was asked and when.
type publisher struct {
	began   time.Time
	answers []string // "": nobody answers
	asked   []string
}

func (p *publisher) dial(context.Context, string, string) (net.Conn, error) {
	answer := p.answers[0]
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	if answer == "" {
		p.asked = append(p.asked, fmt.Sprintf("nobody after %v", time.Since(p.began)))
		return nil, errors.New("connection refused")
	}
	return &publisherConn{cannedConn{Reader: strings.NewReader(answer)}, p}, nil
}

type publisherConn struct {
	cannedConn
	publisher *publisher
}

func (c *publisherConn) Write(b []byte) (int, error) {
	method, _, _ := bytes.Cut(b, []byte(" "))
	what := "anew"
	if _, rest, ok := bytes.Cut(b, []byte("\r\nSID: ")); ok {
		id, _, _ := bytes.Cut(rest, []byte("\r\n"))
		what = string(id)
	}
	c.publisher.asked = append(c.publisher.asked, fmt.Sprintf("%s %s after %v", method, what, time.Since(c.publisher.began)))
	return len(b), nil
}

func subscribed(id, timeout string) string {
	return "HTTP/1.1 200 OK\r\nSID: " + id + "\r\nTIMEOUT: " + timeout + "\r\nContent-Length: 0\r\n\r\n"
}

func TestSubscriptionIsKept(t *testing.T) {
	const forgot = "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"
	for _, c := range []struct {
		name    string
		answers []string
		during  time.Duration
		asked   []string
		told    []gateway.Reason
	}{
		{"at half of its time", []string{subscribed("a", "Second-1800")}, 40 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE a after 15m0s", "SUBSCRIBE a after 30m0s", "UNSUBSCRIBE a after 40m0s"}, nil},
		{"not too often", []string{subscribed("a", "Second-1")}, 40 * time.Second,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE a after 30s", "UNSUBSCRIBE a after 40s"}, nil},
		{"not too seldom", []string{subscribed("a", "Second-2000000000")}, 90 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE a after 1h0m0s", "UNSUBSCRIBE a after 1h30m0s"}, nil},
		{"although it lasts for ever", []string{subscribed("a", "Second-infinite")}, 20 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE a after 15m0s", "UNSUBSCRIBE a after 20m0s"}, nil},
		{"by the name that it has now", []string{subscribed("a", "Second-1800"), subscribed("b", "Second-1800")}, 20 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE a after 15m0s", "UNSUBSCRIBE b after 20m0s"}, nil},
		{"by a renewal that does not name it", []string{subscribed("a", ""), subscribed("", "")}, 20 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE a after 15m0s", "UNSUBSCRIBE a after 20m0s"}, nil},
		{"anew when the gateway forgot it", []string{subscribed("a", "Second-1800"), forgot, subscribed("b", "Second-1800")}, 20 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE a after 15m0s", "SUBSCRIBE anew after 15m0s", "UNSUBSCRIBE b after 20m0s"},
			[]gateway.Reason{gateway.MappingsChanged}},
		{"anew when the gateway is back", []string{subscribed("a", "Second-1800"), "", "", subscribed("b", "Second-1800")}, 20 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "nobody after 15m0s", "nobody after 15m0s", "SUBSCRIBE anew after 15m30s", "UNSUBSCRIBE b after 20m0s"},
			[]gateway.Reason{gateway.MappingsChanged}},
		{"with patience where there are no events", []string{"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n"}, 95 * time.Minute,
			[]string{"SUBSCRIBE anew after 0s", "SUBSCRIBE anew after 30s", "SUBSCRIBE anew after 1m30s", "SUBSCRIBE anew after 3m30s",
				"SUBSCRIBE anew after 7m30s", "SUBSCRIBE anew after 15m30s", "SUBSCRIBE anew after 31m30s", "SUBSCRIBE anew after 1h1m30s",
				"SUBSCRIBE anew after 1h31m30s"}, nil},
		{"not if it has no name", []string{subscribed("", "Second-1800")}, 20 * time.Second, []string{"SUBSCRIBE anew after 0s"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &publisher{began: time.Now(), answers: c.answers}
				s := &subscription{web: &web{dial: p.dial, timeout: time.Second},
					at: &url.URL{Scheme: "http", Host: "192.168.77.1:5000", Path: "/evt"}, callback: "http://192.168.77.10:40000/"}
				ctx, cancel := context.WithTimeout(t.Context(), c.during)
				defer cancel()
				var told []gateway.Reason
				s.keep(ctx, func(r gateway.Reason) { told = append(told, r) })
				if !slices.Equal(p.asked, c.asked) {
					t.Errorf("the gateway was asked\n%q, want\n%q", p.asked, c.asked)
				}
				if !slices.Equal(told, c.told) {
					t.Errorf("told %q, want %q", told, c.told)
				}
			})
		})
	}
}

func TestSubscriptionIsEndedThatIsUnderWayWhenTheWatchEnds(t *testing.T) {
	for _, c := range []struct {
		name, id, answer, ends string
	}{
		{"a new one", "", subscribed("b", "Second-1800"), "b"},
		{"a renewal", "a", subscribed("a", "Second-1800"), "a"},
		{"a renewal that nobody answers", "a", "", "a"},
		{"none, if a new one is not answered", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &publisher{began: time.Now(), answers: []string{c.answer}}
			s := &subscription{web: &web{dial: p.dial, timeout: time.Second}, id: c.id,
				at: &url.URL{Scheme: "http", Host: "192.168.77.1:5000"}}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = s.ask(ctx) // may fail
			if s.id != c.ends {
				t.Errorf("subscription %q is to be ended, want %q", s.id, c.ends)
			}
		})
	}
}
