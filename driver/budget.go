package driver

import (
	"runtime"
	"runtime/metrics"
	"sync"
)

// maxScan is the size of the other memory, in bytes, up to which a collection
// costs less than the password check that it makes room for. Beyond it the
// collector lets as much lie about anyway as all checks may take.
const maxScan = 32 << 20

// budget keeps the memory of password checks below gateMemory, with that of the
// checks that are over and that the garbage collector has not found yet: left to
// itself it lets about twice as much pile up.
type budget struct {
	mu             sync.Mutex // also held while the collector runs
	running, spent uint32     // KiB
}

// begin makes room for a check that takes so many KiB.
func (b *budget) begin(kib uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running += kib
	if b.running+b.spent <= gateMemory {
		return
	}
	b.spent = 0
	if scanSize() <= maxScan {
		runtime.GC()
	}
}

// end is told that it is over.
func (b *budget) end(kib uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running -= kib
	b.spent += kib
}

// scanSize is how much the collector has to look through, in bytes.
func scanSize() uint64 {
	sample := []metrics.Sample{{Name: "/gc/scan/total:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
