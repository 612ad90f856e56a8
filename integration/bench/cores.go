//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// cores are the two that the measurement uses.
type cores struct{ server, client int }

// chooseCores takes the first two that this process may use.
func chooseCores() (cores, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return cores{}, fmt.Errorf("ask for this process's cores: %w", err)
	}
	var usable []int
	for cpu := 0; len(usable) < 2 && cpu < 8*len(set)*8; cpu++ {
		if set.IsSet(cpu) {
			usable = append(usable, cpu)
		}
	}
	if len(usable) < 2 {
		return cores{}, errors.New("needs two cores: one for the server, one for the load")
	}
	return cores{usable[0], usable[1]}, nil
}

// takeClient moves this process to the client's core: the threads that it has,
// and through them those that it will have.
func (c cores) takeClient() error {
	runtime.GOMAXPROCS(1)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		if err := pin(tid, c.client); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// pin binds a thread to a core; 0 is the calling thread.
func pin(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("bind thread %d to core %d: %w", tid, cpu, err)
	}
	return nil
}
