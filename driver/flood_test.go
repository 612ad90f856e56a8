package driver

import (
	"context"
	"fmt"
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

// BenchmarkLogin is what a right login takes, of somebody alone and beside a
// flood of 2,000 wrong ones a second from another address; and the heap at its
// largest. The hashes are real ones.
func BenchmarkLogin(b *testing.B) {
	for name, perSecond := range map[string]int{"Alone": 0, "BesideAFlood": 2000} {
		b.Run(name, func(b *testing.B) {
			hash, err := HashPassword("alice's")
			if err != nil {
				b.Fatal(err)
			}
			a, err := NewAccounts([]User{{Name: "alice", Password: hash, Home: b.TempDir(), Access: ReadOnly}}, Files{})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			var flood sync.WaitGroup
			if perSecond > 0 {
				flood.Go(func() { floodWith(ctx, a, perSecond) })
			}
			var longest time.Duration
			var heap uint64
			for b.Loop() {
				began := time.Now()
				if _, err := a.Login(ctx, Attempt{Name: "alice", Password: "alice's", Client: lanClient}); err != nil {
					b.Fatal(err)
				}
				longest, heap = max(longest, time.Since(began)), max(heap, heapNow())
			}
			cancel()
			flood.Wait()
			b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
			b.ReportMetric(float64(heap>>20), "heap-MiB")
		})
	}
}

// floodWith sends wrong passwords from one address.
func floodWith(ctx context.Context, a *Accounts, perSecond int) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	var all sync.WaitGroup
	defer all.Wait()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
			all.Go(func() {
				_, _ = a.Login(ctx, Attempt{Name: "alice", Password: fmt.Sprint(i), Client: stranger})
			})
		case <-ctx.Done():
			return
		}
	}
}

func heapNow() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
