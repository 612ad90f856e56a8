package status

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"natftpd/driver"
)

func TestABanIsLifted(t *testing.T) {
	for _, client := range []string{"198.51.100.66", "2001:db8:1:2:3::4"} {
		cfg := config(t)
		who := driver.Attempt{Name: "root", Password: "guess", Client: netip.MustParseAddr(client)}
		cfg.Bans.Failed(who)
		s := newServer(t, cfg)
		bans := s.snapshot().Bans
		if len(bans) != 1 {
			t.Fatalf("%s: shown are %v, want its ban", client, bans)
		}
		w := post(s, "/bans/lift", "same-origin", url.Values{"token": {s.token}, "clients": {bans[0].Clients}})
		if _, banned := cfg.Bans.Check(who.Client, false); banned || w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d, banned %t; want it lifted", client, w.Code, banned)
		}
	}
}

func TestDoctorsReportIsShownInThePageAndToItsScript(t *testing.T) {
	cfg := config(t)
	cfg.Doctor = func(context.Context) (string, error) { return "double NAT\nnext step: <bridge mode>\n", nil }
	s := newServer(t, cfg)
	w := post(s, "/doctor", "same-origin", url.Values{"token": {s.token}})
	if page := w.Body.String(); !strings.Contains(page, "next step: &lt;bridge mode&gt;") || !strings.Contains(page, "</html>") {
		t.Errorf("the page without a script does not show the report: %d", w.Code)
	}
	cfg.Doctor = func(context.Context) (string, error) { return "", errors.New("no network") }
	s = newServer(t, cfg)
	w = post(s, "/doctor", "same-origin", url.Values{"token": {s.token}})
	if !strings.Contains(w.Body.String(), "doctor could not look: no network") {
		t.Errorf("an error is not shown: %d", w.Code)
	}
}

func TestOneDoctorAtATime(t *testing.T) {
	cfg := config(t)
	began, end := make(chan struct{}), make(chan struct{})
	cfg.Doctor = func(context.Context) (string, error) {
		close(began)
		<-end
		return "", nil
	}
	s := newServer(t, cfg)
	form := url.Values{"token": {s.token}}
	done := make(chan int)
	go func() { done <- post(s, "/doctor", "same-origin", form).Code }()
	<-began
	if got := post(s, "/doctor", "same-origin", form).Code; got != http.StatusServiceUnavailable {
		t.Errorf("a second one meanwhile: %d, want 503", got)
	}
	close(end)
	if got := <-done; got != http.StatusOK {
		t.Errorf("the first one: %d, want 200", got)
	}
}
