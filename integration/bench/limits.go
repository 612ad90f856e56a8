//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"natftpd/integration/report"
)

// errMissed: a figure is beyond its limit.
var errMissed = errors.New("a limit was missed")

// limit is a figure that natftpd has to keep.
type limit struct {
	Text  string  `json:"text"`
	Unit  string  `json:"unit"`
	Got   float64 `json:"measured"`
	Bound float64 `json:"limit"`
	// Least: the bound is a lower one.
	Least bool `json:"at_least,omitempty"`
}

func (l limit) kept() bool {
	if l.Least {
		return l.Got >= l.Bound
	}
	return l.Got < l.Bound
}

// trial measures some limits on a natftpd of its own.
type trial struct {
	peer
	run func(context.Context, *place, *server) ([]limit, error)
}

// checkLimits measures natftpd alone, on its core, against its limits.
func checkLimits(ctx context.Context, p *place) error {
	trials := []trial{
		{peer{"large-folders", natftpd}, listingLimits},
		{peer{"many-sessions", natftpd}, idleLimits},
		{peer{"flood", natftpdAsShipped}, floodLimits},
	}
	fmt.Printf("%-62s %12s %12s\n", "natftpd on one core", "measured", "limit")
	missed := false
	var all []limit
	for _, t := range trials {
		if !p.rows.MatchString(t.name) {
			continue
		}
		limits, foreign, err := t.calmest(ctx, p)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			fmt.Printf("%s: MISSED: %v\n", t.name, err)
			missed = true
		case foreign > calm:
			fmt.Printf("%s: other programs took %s of the cores meanwhile\n", t.name, percent(foreign))
		}
		for _, l := range limits {
			l.print(os.Stdout)
			missed = missed || !l.kept()
		}
		all = append(all, limits...)
	}
	if err := publish(p, nil, published{name: "limits", figures: all, text: limitsText(all)}); err != nil {
		return err
	}
	if missed {
		return errMissed
	}
	return nil
}

// calmest measures until nobody disturbs, or else takes the least disturbed try.
func (t trial) calmest(ctx context.Context, p *place) (best []limit, foreign float64, err error) {
	for try := range p.tries {
		limits, disturbed, err := t.measure(ctx, p)
		if err != nil {
			return nil, 0, err
		}
		if try == 0 || disturbed < foreign {
			best, foreign = limits, disturbed
		}
		if foreign <= calm {
			break
		}
	}
	return best, foreign, nil
}

// measure also returns the share of the cores that other programs took.
func (t trial) measure(ctx context.Context, p *place) ([]limit, float64, error) {
	s, err := t.start(ctx, p, t.name)
	if err != nil {
		return nil, 0, err
	}
	defer s.stop()
	defer context.AfterFunc(ctx, s.stop)()
	if err := s.rest(ctx); err != nil {
		return nil, 0, err
	}
	m, err := begin(s, p.cores)
	if err != nil {
		return nil, 0, err
	}
	limits, err := t.run(ctx, p, s)
	if err != nil {
		return nil, 0, err
	}
	r, err := m.end()
	return limits, r.foreign, err
}

func (l limit) print(w io.Writer) {
	verdict := ""
	if !l.kept() {
		verdict = "  MISSED"
	}
	fmt.Fprintf(w, "%-62s %12s %12s%s\n", l.Text, figure(l.Got)+" "+l.Unit, l.boundText(), verdict)
}

func (l limit) boundText() string {
	sign := "<"
	if l.Least {
		sign = "≥"
	}
	return sign + " " + figure(l.Bound) + " " + l.Unit
}

func limitsText(all []limit) string {
	var rows [][]string
	for _, l := range all {
		text := l.Text
		if !l.kept() {
			text += " **(missed)**"
		}
		rows = append(rows, []string{text, figure(l.Got) + " " + l.Unit, l.boundText()})
	}
	return report.Table([]string{"natftpd on one core", "measured", "limit"}, rows)
}

// looks is how often the first byte of a listing is awaited.
const looks = 9

// listingLimits: what large folders cost.
func listingLimits(ctx context.Context, p *place, s *server) (all []limit, err error) {
	peak, err := watchMemory(s)
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		entries int
		memory  float64 // MiB
	}{{100_000, 16}, {200_000, 64}} {
		if err := p.files.folder(one.entries); err != nil {
			return nil, err
		}
		session, err := logIn(ctx, s, clientAddress(0), false)
		if err != nil {
			return nil, err
		}
		defer session.close()
		if err := peak.reset(); err != nil {
			return nil, err
		}
		var first []float64
		for range looks {
			took, err := firstByte(ctx, session, "LIST "+folderName(one.entries))
			if err != nil {
				return nil, err
			}
			first = append(first, milliseconds(took))
		}
		above, err := peak.above()
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("LIST of %d entries", one.entries)
		all = append(all,
			limit{Text: what + ": memory above idle", Unit: "MiB", Got: above, Bound: one.memory},
			limit{Text: what + ": first byte, median of " + fmt.Sprint(looks), Unit: "ms", Got: median(first), Bound: 50})
	}
	return all, nil
}

// firstByte is how long after the command the first byte of a listing comes.
func firstByte(ctx context.Context, s *session, command string) (took time.Duration, err error) {
	began := time.Now()
	err = s.transfer(ctx, command, func(c channel) error {
		if _, err := io.ReadFull(c.stream(), make([]byte, 1)); err != nil {
			return err
		}
		took = time.Since(began)
		_, err := c.discardBytes(0)
		return err
	})
	return took, err
}

// peak is how far a server's resident memory rises above what it was at first.
type peak struct {
	process string // its folder in /proc
	idle    int64
}

func watchMemory(s *server) (p peak, err error) {
	p.process = fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	if p.idle, err = memoryField(p.process+"status", "VmRSS"); err != nil {
		return p, err
	}
	return p, p.reset()
}

// reset forgets the peak (proc_pid_clear_refs(5)).
func (p peak) reset() error {
	if err := os.WriteFile(p.process+"clear_refs", []byte("5"), 0); err != nil {
		return fmt.Errorf("reset the peak of natftpd's memory: %w", err)
	}
	return nil
}

// above is the rise in MiB.
func (p peak) above() (float64, error) {
	highest, err := memoryField(p.process+"status", "VmHWM")
	return float64(highest-p.idle) / mib, err
}

// idleLimits: ten thousand sessions that do nothing, and one command after the
// other somewhere among them.
func idleLimits(ctx context.Context, _ *place, s *server) ([]limit, error) {
	const count = 10_000
	before, err := s.memory("Rss")
	if err != nil {
		return nil, err
	}
	sessions, err := openIdle(ctx, s, count, false)
	defer closeIdle(sessions)
	if err != nil {
		return nil, err
	}
	after, err := s.memory("Rss")
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for i := range sessions {
		began := time.Now()
		// Far from the one before.
		if _, err := sessions[i*7919%count].do(200, "NOOP"); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	return []limit{
		{Text: fmt.Sprintf("%d idle sessions: resident memory of each", count), Unit: "KiB", Got: float64(after-before) / 1024 / count, Bound: 64},
		{Text: fmt.Sprintf("%d idle sessions: NOOP, 99 in 100 within", count), Unit: "ms", Got: milliseconds(percentile(times, 99)), Bound: 20},
	}, nil
}
