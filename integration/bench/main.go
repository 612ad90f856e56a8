//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
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

// mode is something to measure.
type mode struct {
	name, text string
	run        func(context.Context, *place) error
}

// modes are all of them, the usual one first.
func modes() []mode {
	return []mode{
		{"compare", "compare natftpd with its peers and with the machine; so it does without any of these", compareWithPeers},
		{"overhead", "compare natftpd with everything on and with everything off, and end with 1 when that costs too much", compareWithBare},
		{"growth", "measure what natftpd costs with many sessions, large files, large folders, and end with 1 when it grows too fast", measureGrowth},
		{"limits", "measure natftpd alone against its limits, and end with 1 when one is missed", checkLimits},
		{"profile", "say where natftpd spends its time: a flame graph (-publish), a profile for the compiler (-pgo)", profileRows},
	}
}

// run does what the options ask for, one mode after the other.
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
	var missed error
	for _, m := range o.modes {
		err := m.run(ctx, p)
		if err != nil && !errors.Is(err, errMissed) {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		missed = errors.Join(missed, err)
	}
	return missed
}

// compareWithPeers is the comparison with other servers. Who is behind is told, and is
// no error: that depends on the others.
func compareWithPeers(ctx context.Context, p *place) error {
	chosen := slices.DeleteFunc(peers(), func(one peer) bool { return !slices.Contains(p.peers, one.name) })
	results, versions, err := compare(ctx, p, append(chosen, peer{machineName, machine}), rows(p.options))
	if err != nil {
		return err
	}
	var names []string // of those that were there
	for _, one := range chosen {
		if _, there := versions[one.name]; there {
			names = append(names, one.name)
		}
	}
	summary(os.Stdout, results, append(slices.Clone(names), machineName))
	var drawn bytes.Buffer
	draw(&drawn, results, names)
	return publish(p, versions, published{
		name: "comparison", figures: results, picture: drawn.Bytes(), alt: "each server's ratio to natftpd, load by load",
		text: comparisonText(results, names) + "\n" + costText(results, names),
	})
}
