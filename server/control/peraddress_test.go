package control

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
)

func TestOnlySoManyOfOneAddressAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPerAddress(2)
		one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		enter := func(a netip.Addr) func() {
			leave, err := p.enter(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		first, second := enter(one), enter(one)
		third := false
		go func() {
			defer enter(one)()
			third = true
		}()
		synctest.Wait()
		if third {
			t.Error("the third did not wait")
		}
		enter(other)()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.enter(ctx, one); err == nil {
			t.Error("the fourth got in after it had given up")
		}
		first()
		synctest.Wait()
		if !third {
			t.Error("the third did not get the place of the first")
		}
		second()
		if len(p.lanes) != 0 {
			t.Errorf("%d lanes are left, want none", len(p.lanes))
		}
	})
}
