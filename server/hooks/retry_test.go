package hooks

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a web server in memory: each code is an answer, 0 is none at all.
type answers struct {
	codes []int
	asked []time.Time
	ids   map[string]bool
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked, a.ids[r.Header.Get(DeliveryHeader)] = append(a.asked, time.Now()), true
	code := http.StatusNoContent
	if len(a.codes) > 0 {
		code, a.codes = a.codes[0], a.codes[1:]
	}
	if code == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestWhatAWebServerAnswersDecidesOnAnotherAttempt(t *testing.T) {
	tests := map[string]struct {
		codes    []int
		requests int
		took     time.Duration
		want     string // "": it was delivered
	}{
		"it is there":                {nil, 1, 0, ""},
		"trouble that passes":        {[]int{503, 0, 429}, 4, 14 * time.Second, ""},
		"trouble that stays":         {[]int{500, 500, 500, 500}, 4, 14 * time.Second, "it answers Internal Server Error"},
		"nobody there":               {[]int{0, 0, 0, 0}, 4, 14 * time.Second, "connection refused"},
		"a refusal":                  {[]int{403}, 1, 0, "it answers Forbidden"},
		"a way that leads elsewhere": {[]int{302}, 1, 0, "redirects are not followed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &answers{codes: test.codes, ids: map[string]bool{}}
				p := newPoster()
				p.client.Transport = server
				began := time.Now()
				err := p.send(t.Context(), job{Hook{URL: "http://example.org/?token=hidden", Timeout: time.Second}, Event{Name: "upload"}})
				switch {
				case err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)):
					t.Errorf("got %v, want %q", err, test.want)
				case err != nil && strings.Contains(err.Error(), "hidden"):
					t.Errorf("the token is told: %v", err)
				}
				if took := time.Since(began); len(server.asked) != test.requests || took != test.took || len(server.ids) != 1 {
					t.Errorf("%d requests of %d deliveries in %v, want %d of one in %v", len(server.asked), len(server.ids), took, test.requests, test.took)
				}
			})
		})
	}
}
