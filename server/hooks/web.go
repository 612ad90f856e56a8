package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// The headers of a request, besides the usual ones.
const (
	// SignatureHeader is "sha256=" and the HMAC-SHA256 of the body by the secret,
	// in hexadecimal, as GitHub's webhooks have it.
	SignatureHeader = "X-Natftpd-Signature-256"
	// DeliveryHeader is the same for each attempt to deliver one event, and another
	// for each event.
	DeliveryHeader = "X-Natftpd-Delivery"
)

const (
	// attempts is how often one event is sent, at most, with pauses of firstPause
	// and then twice as long each time.
	attempts   = 4
	firstPause = 2 * time.Second
	// mostAnswer is how much of an answer is read, so that the connection can
	// serve the next request.
	mostAnswer = 64 << 10
)

// poster sends events to web servers.
type poster struct{ client *http.Client }

// newPoster follows no redirect: it would take the facts, signed, to a place that
// nobody wrote down.
func newPoster() poster {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.IdleConnTimeout = 1, 30*time.Second
	return poster{&http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send delivers an event, again after a pause if the server can't be reached or says
// that it has a problem. What it refuses is not sent again.
func (p poster) send(ctx context.Context, j job) error {
	body, err := encode(j.event)
	if err != nil {
		return err
	}
	delivery, pause := rand.Text(), firstPause
	for try := 1; ; try++ {
		again, err := p.try(ctx, j.hook, body, delivery)
		if err == nil || !again || try == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// try sends once, and tells whether it makes sense to do so again.
func (p poster) try(ctx context.Context, h Hook, body []byte, delivery string) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "natftpd")
	r.Header.Set(DeliveryHeader, delivery)
	if h.Secret != "" {
		r.Header.Set(SignatureHeader, sign(h.Secret, body))
	}
	answer, err := p.client.Do(r)
	var told *url.Error
	if errors.As(err, &told) {
		return true, told.Err // without the address, which may hold a token
	}
	if err != nil {
		return true, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, mostAnswer)
	switch code := answer.StatusCode; {
	case code < 300:
		return false, nil
	case code < 400:
		return false, fmt.Errorf("it answers %s, and redirects are not followed: write the final address", answer.Status)
	default:
		return code >= 500 || code == http.StatusTooManyRequests, fmt.Errorf("it answers %s", answer.Status)
	}
}

// public is what may be told of an address: not its query, which may hold a token.
func public(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// encode writes an event as a JSON object whose keys are in its order.
func encode(e Event) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range append([]Fact{{"event", e.Name}, {"time", e.Time.UTC().Format(time.RFC3339)}}, e.Facts...) {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(f.Value)
		if err != nil {
			return nil, fmt.Errorf("event %s, %s: %w", e.Name, f.Name, err)
		}
		fmt.Fprintf(&b, "%q:%s", f.Name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
