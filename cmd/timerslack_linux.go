package cmd

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how much later than asked for a timer may go off. None of ours needs
// more precision: the shortest are those of log lines that wait for others, 10 ms, and
// those that pace a bounded rate, every 100 ms.
const timerSlack = 4 * time.Millisecond

// relaxTimers has the kernel gather timers of this process. Go's runtime has a thread
// that looks after the others and sleeps 20 µs at a time while they are busy, beside
// transfers of small files for an eighth of all processor time; with slack it looks
// less often. Threads have the slack of the one that made them, and this thread of the
// runtime's is made before any code of ours runs: so the program starts itself once
// more, as the same process. Where that is not to be had it goes on as it is.
func relaxTimers() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || time.Duration(slack) >= timerSlack {
		return
	}
	self, err := os.Executable()
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0) != nil {
		return
	}
	_ = syscall.Exec(self, os.Args, os.Environ()) // it returns only when that is forbidden
}
