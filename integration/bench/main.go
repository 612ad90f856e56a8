//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == bareCommand {
		fmt.Fprintln(os.Stderr, "bench:", serveBare(os.Args[2], os.Args[3]))
		os.Exit(exitFailed)
	}
	o, err := parseOptions(os.Args[1:])
	if err != nil {
		os.Exit(exitUsage) // package flag has said why
	}
	// SIGPIPE as well: a reader that goes, such as head, must not leave servers behind.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(exitFailed)
	}
}

// run does what the options ask for.
func run(ctx context.Context, o options) error {
	cores, err := chooseCores()
	if err != nil {
		return err
	}
	p, err := newPlace(ctx, o, cores)
	if err != nil {
		return err
	}
	defer p.remove()
	if err := cores.takeClient(); err != nil {
		return err
	}
	if o.limits {
		return checkLimits(ctx, p)
	}
	return compare(ctx, p)
}
