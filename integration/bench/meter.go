//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// meter measures a stretch of time.
type meter struct {
	server *server
	cores  cores

	began                        time.Time
	serverCPU, ownCPU, coresBusy time.Duration
}

// reading is what happened in it.
type reading struct {
	took time.Duration
	// server and client are the CPU time of the server's processes and of ours.
	server, client time.Duration
	// foreign is the share of the two cores that everybody else took.
	foreign float64
}

func begin(s *server, c cores) (m meter, err error) {
	m = meter{server: s, cores: c}
	if m.serverCPU, err = s.clock.now(); err != nil {
		return m, err
	}
	if m.coresBusy, err = c.busy(); err != nil {
		return m, err
	}
	m.ownCPU, m.began = ownCPU(), time.Now()
	return m, nil
}

func (m meter) end() (r reading, err error) {
	r.took, r.client = time.Since(m.began), ownCPU()-m.ownCPU
	now, err := m.server.clock.now()
	if err != nil {
		return r, err
	}
	busy, err := m.cores.busy()
	if err != nil {
		return r, err
	}
	r.server = now - m.serverCPU
	r.foreign = max(0, (busy-m.coresBusy-r.server-r.client).Seconds()/(2*r.took.Seconds()))
	return r, nil
}

// ownCPU is the CPU time of this process and of its children that have ended,
// which are clients; the servers have not ended.
func ownCPU() time.Duration {
	var total time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var use unix.Rusage
		if err := unix.Getrusage(who, &use); err == nil { // it knows both
			total += time.Duration(use.Utime.Nano() + use.Stime.Nano())
		}
	}
	return total
}

// tick is the unit of /proc/stat.
const tick = 10 * time.Millisecond

// busy is how long the two cores were not idle, in all.
func (c cores) busy() (total time.Duration, err error) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var core int
		// user, nice, system, idle, iowait, irq, softirq, steal: proc_stat(5).
		var t [8]int64
		fields := strings.Replace(lines.Text(), "cpu", "", 1)
		n, err := fmt.Sscan(fields, &core, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7])
		if err != nil || n < 9 || core != c.server && core != c.client {
			continue
		}
		total += time.Duration(t[0]+t[1]+t[2]+t[5]+t[6]+t[7]) * tick
	}
	return total, nil
}
