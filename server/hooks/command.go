package hooks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// prefix begins the names of the facts in a command's environment.
	prefix = "NATFTPD_HOOK_"
	// mostOutput is how much of what a command prints is kept for the log.
	mostOutput = 1 << 10
	// killGrace is how long the pipes of a command are waited for after its end:
	// what it has left running may hold them.
	killGrace = time.Second
)

// run runs the command of a job, and ends it and all that it has started when its
// time is over.
func run(ctx context.Context, j job) error {
	ctx, cancel := context.WithTimeoutCause(ctx, j.hook.Timeout, fmt.Errorf("it took longer than its timeout of %s, and was ended", j.hook.Timeout))
	defer cancel()
	var output capped
	cmd := exec.CommandContext(ctx, j.hook.Command[0], j.hook.Command[1:]...)
	cmd.Env = append(inherited(os.Environ()), environment(j.event)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = killGrace
	ownGroup(cmd)
	err := cmd.Run()
	endGroup(cmd)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay): // it went well, and left something running
		return nil
	}
	if said := output.line(); said != "" {
		return fmt.Errorf("%w: it said %q", err, said)
	}
	return err
}

// inherited leaves out what is ours alone: settings, passwords among them, and the
// socket of the service manager.
func inherited(environ []string) []string {
	var kept []string
	for _, e := range environ {
		if !strings.HasPrefix(e, "NATFTPD_") && !strings.HasPrefix(e, "NOTIFY_SOCKET=") && !strings.HasPrefix(e, "LISTEN_") && !strings.HasPrefix(e, "WATCHDOG_") {
			kept = append(kept, e)
		}
	}
	return kept
}

// environment is an event in variables. What no variable can hold, a zero byte, is
// left out.
func environment(e Event) []string {
	env := []string{prefix + "EVENT=" + e.Name, prefix + "TIME=" + e.Time.UTC().Format(time.RFC3339)}
	for _, f := range e.Facts {
		value := strings.ReplaceAll(fmt.Sprint(f.Value), "\x00", "")
		env = append(env, prefix+strings.ToUpper(f.Name)+"="+value)
	}
	return env
}

// capped keeps the end of what is written to it.
type capped struct{ kept []byte }

func (c *capped) Write(p []byte) (int, error) {
	c.kept = append(c.kept, p[max(0, len(p)-mostOutput):]...)
	c.kept = slices.Delete(c.kept, 0, max(0, len(c.kept)-mostOutput))
	return len(p), nil
}

// line is the last line that says something: errors come last.
func (c *capped) line() string {
	lines := strings.Split(strings.TrimSpace(string(c.kept)), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if !utf8.ValidString(last) {
		return strings.ToValidUTF8(last, "?")
	}
	return last
}
