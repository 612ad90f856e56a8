package driver

import (
	"net/netip"
	"testing"
)

func TestALockOpensWithItsPasswordAlone(t *testing.T) {
	hash, err := HashPassword("open sesame")
	if err != nil {
		t.Fatal(err)
	}
	for name, stored := range map[string]string{"a hash": hash, "plain text": "open sesame"} {
		t.Run(name, func(t *testing.T) {
			lock, err := NewLock(stored)
			if err != nil {
				t.Fatal(err)
			}
			for password, want := range map[string]bool{"open sesame": true, "open barley": false, "": false, hash: false} {
				got, err := lock.Opens(t.Context(), netip.MustParseAddr("192.0.2.1"), password)
				if got != want || err != nil {
					t.Errorf("%q: %v, %v; want %v", password, got, err, want)
				}
			}
		})
	}
	if _, err := NewLock("$argon2id$broken"); err == nil {
		t.Error("a damaged hash is taken")
	}
}
