package gateway

import (
	"errors"
	"testing"
	"time"
)

func TestPinholeWantsRenewingAtHalfOfItsLife(t *testing.T) {
	granted := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := Pinhole{Granted: granted, Lifetime: time.Hour}
	if got, want := p.RenewAt(), granted.Add(30*time.Minute); !got.Equal(want) {
		t.Errorf("RenewAt is %v, want %v", got, want)
	}
	if got, want := p.Expires(), granted.Add(time.Hour); !got.Equal(want) {
		t.Errorf("Expires is %v, want %v", got, want)
	}
}

func TestRuleOfTheGatewayIsAConflict(t *testing.T) {
	if !errors.Is(ErrRule, ErrConflict) || errors.Is(ErrConflict, ErrRule) {
		t.Error("a caller that knows conflicts must take a rule of the gateway for one, and not the reverse")
	}
}
