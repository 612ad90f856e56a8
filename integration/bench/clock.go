//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cpuClock counts the CPU time of a server with all its children, to the
// nanosecond, and of those that have ended: perf_event_open(2)'s task clock,
// inherited by whatever the thread that opened it starts.
type cpuClock struct{ fd int }

// openCPUClock makes a clock for what the calling thread starts from now on. It
// counts the thread itself too, which should do nothing else.
func openCPUClock() (*cpuClock, error) {
	attr := unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_SOFTWARE,
		Config: unix.PERF_COUNT_SW_TASK_CLOCK,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Bits:   unix.PerfBitInherit,
	}
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("count CPU time (perf_event_open): %w; sysctl kernel.perf_event_paranoid=2 allows it", err)
	}
	return &cpuClock{fd}, nil
}

// now is the CPU time so far.
func (c *cpuClock) now() (time.Duration, error) {
	var b [8]byte
	if _, err := unix.Read(c.fd, b[:]); err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return time.Duration(binary.NativeEndian.Uint64(b[:])), nil
}

func (c *cpuClock) close() { unix.Close(c.fd) }
