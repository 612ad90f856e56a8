//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"natftpd/integration/bench/flame"
)

// profileVariable is where command profiled is told its file.
const profileVariable = "BENCH_PROFILE"

// profileTimes is how much longer than a measurement a profile takes: it is a matter of
// samples, a hundred in a second.
const profileTimes = 10

var (
	// profiledRows are what a profile for the compiler is made of, each as long as the
	// others: what servers spend their time with.
	profiledRows = regexp.MustCompile(`^((get|put)-4k-8|(down|up)load-1|list-10k|mlsd-10k|login)(-tls)?$`)
	// flameRow is the one that the flame graph shows.
	flameRow = "get-4k-8"
)

// profileRows loads natftpd with one row after the other and gathers where it spends
// its CPU time.
func profileRows(ctx context.Context, p *place) error {
	p.profiled = filepath.Join(p.dir, "profiled.bin")
	if err := goBuild(ctx, p.profiled, "natftpd/integration/bench/profiled"); err != nil {
		return err
	}
	var profiles []string
	for _, r := range rows(p.options) {
		if !profiledRows.MatchString(r.name) || !p.rows.MatchString(r.name) {
			continue
		}
		profile, err := r.profile(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Println("profiled:", r.text)
		profiles = append(profiles, profile)
		if r.name == flameRow {
			if err := publishFlame(ctx, p, r, profile); err != nil {
				return err
			}
		}
	}
	if p.pgo == "" {
		return nil
	}
	merged, err := pprof(ctx, append([]string{"-proto"}, profiles...)...)
	if err != nil {
		return err
	}
	fmt.Printf("%s: a profile of %d loads\n", p.pgo, len(profiles))
	return os.WriteFile(p.pgo, merged, 0o644)
}

// profile is the file with the profile of a natftpd that has served nothing but the
// row.
func (r row) profile(ctx context.Context, p *place) (string, error) {
	if r.prepare != nil {
		if err := r.prepare(&p.files); err != nil {
			return "", err
		}
	}
	file := filepath.Join(p.dir, r.name+".pprof")
	s, err := peer{self, func(ctx context.Context, g ground) (launch, error) {
		l, err := natftpd(ctx, g)
		l.program, l.env = p.profiled, append(l.env, profileVariable+"="+file)
		return l, err
	}}.start(ctx, p, "profile-"+r.name)
	if err != nil {
		return "", err
	}
	defer s.stop() // which waits for the profile
	defer context.AfterFunc(ctx, s.stop)()
	if err := r.gauge.try(ctx, p, s); err != nil {
		return "", err
	}
	longer := *p
	longer.time *= profileTimes
	_, err = r.gauge.measure(ctx, &longer, s)
	return file, err
}

// publishFlame draws a profile.
func publishFlame(ctx context.Context, p *place, r row, profile string) error {
	traces, err := pprof(ctx, "-traces", "-unit=us", profile)
	if err != nil {
		return err
	}
	stacks, err := flame.Parse(bytes.NewReader(traces))
	if err != nil {
		return err
	}
	var drawn bytes.Buffer
	title := "natftpd's CPU time: " + r.text
	if err := flame.Draw(&drawn, title, stacks); err != nil {
		return err
	}
	return publish(p, nil, published{name: "flame", picture: drawn.Bytes(), alt: title})
}

// pprof runs Go's tool and returns what it prints.
func pprof(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof"}, args...)...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go tool pprof: %w: %s", err, lastLine(errOut.Bytes()))
	}
	return out, nil
}
