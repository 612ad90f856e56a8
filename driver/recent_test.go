package driver

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestOriginsAreForgottenWhenThereAreTooMany(t *testing.T) {
	r := newRecent[int](3)
	for i := range 3 {
		*r.touch(clientNumber(i)) = i
	}
	r.touch(clientNumber(0)) // it is here again, so 1 was away longest
	*r.touch(clientNumber(3)) = 3
	if r.of(clientNumber(1)) != nil {
		t.Error("1 was away longest, and is remembered")
	}
	r.forget(clientNumber(2))
	*r.touch(clientNumber(4)) = 4
	if got, want := known(&r), "[0 3 4]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := r.forgetIf(func(n *int) bool { return *n == 0 || *n == 4 }); got != 2 {
		t.Errorf("forgotten: got %d, want 2", got)
	}
	if got, want := known(&r), "[3]"; got != want || len(r.known) != 1 {
		t.Errorf("got %s, want %s", got, want)
	}
	if r.forget(clientNumber(0)) || !r.forget(clientNumber(3)) {
		t.Error("forget does not tell what it had to forget")
	}
}

func known(r *recent[int]) string {
	var all []int
	r.each(func(_ netip.Addr, n *int) { all = append(all, *n) })
	return fmt.Sprint(all)
}
