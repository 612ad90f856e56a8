//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"natftpd/integration/report"
)

// growsTo is what a unit may cost at the end of a curve, compared with where it was
// cheapest: caches that no longer hold everything are allowed for, and nothing that
// grows with the size.
const growsTo = 2

// curve is a load of rising size.
type curve struct {
	name, text string
	unit       string // of the size, and of the cost
	sizes      []int
	// room is how much memory a size takes in files; nil: none to speak of.
	room func(size int) int64
	// at is the load of a size, with its files made.
	at func(f *files, size int) (*load, error)
}

// grown is a curve that was measured.
type grown struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Unit  string `json:"unit"`
	Steps []step `json:"steps"`
}

// step is a point of it.
type step struct {
	Size int `json:"size"`
	// Took is the median of an operation in milliseconds; CPU is the server's in
	// microseconds for each unit.
	Took float64 `json:"operation_ms"`
	CPU  float64 `json:"server_cpu_us"`
	// Memory is how far the server's rose above idle, in MiB: the peak.
	Memory float64 `json:"memory_mib"`
	// LeftOut says why it was not tried, Failed why it did not work.
	LeftOut string `json:"left_out,omitempty"`
	Failed  string `json:"failed,omitempty"`
}

// measureGrowth measures natftpd alone: what a session, a MiB, an entry costs where
// there are more and more of them.
func measureGrowth(ctx context.Context, p *place) error {
	var all []grown
	for _, c := range curves(p.small) {
		if !p.rows.MatchString(c.name) {
			continue
		}
		one, err := c.measure(ctx, p)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		one.print(os.Stdout)
		all = append(all, one)
	}
	if err := publish(p, nil, published{name: "growth", figures: all, text: growthText(all)}); err != nil {
		return err
	}
	for _, one := range all {
		if !one.kept() {
			return errMissed
		}
	}
	return nil
}

func curves(small bool) []curve {
	upTo := func(most int, sizes ...int) []int {
		for small && sizes[len(sizes)-1] > most {
			sizes = sizes[:len(sizes)-1]
		}
		return sizes
	}
	entries := upTo(10_000, 10, 100, 1000, 10_000, 100_000, 1_000_000)
	all := []curve{
		{name: "entries-list", text: "LIST, by entries of the folder", unit: "entry", sizes: entries, at: listingOf("LIST")},
		{name: "entries-mlsd", text: "MLSD, by entries of the folder", unit: "entry", sizes: entries, at: listingOf("MLSD")},
	}
	for _, secure := range []bool{false, true} {
		sizes := upTo(64, 1, 4, 16, 64, 256, 1024, 4096, 16_384)
		for _, c := range []curve{
			{name: "sessions", text: "get 4 KiB files, by sessions", unit: "file", sizes: upTo(100, 1, 10, 100, 1000), at: sessionsOf(secure)},
			{name: "files-download", text: "download, by MiB of the file", unit: "MiB", sizes: sizes, at: downloadOf(secure)},
			{name: "files-upload", text: "upload, by MiB of the file", unit: "MiB", sizes: sizes, at: uploadOf(secure),
				room: func(size int) int64 { return int64(size) * mib }},
		} {
			c.name, c.text = label(secure, c.name, "%s", c.text)
			all = append(all, c)
		}
	}
	return all
}

func listingOf(verb string) func(*files, int) (*load, error) {
	return func(f *files, entries int) (*load, error) {
		l := load{workers: 1, do: list(verb, entries), check: checkList(verb, entries), each: float64(entries), costs: float64(entries)}
		return &l, f.folder(entries)
	}
}

func sessionsOf(secure bool) func(*files, int) (*load, error) {
	return func(_ *files, sessions int) (*load, error) {
		return load{workers: sessions, tls: secure, do: get(smallName, smallSize), check: checkGet(smallName)}.single(), nil
	}
}

func downloadOf(secure bool) func(*files, int) (*load, error) {
	return func(f *files, size int) (*load, error) {
		bytes := int64(size) * mib
		name := func(int) string { return holeName(size) }
		return load{workers: 1, tls: secure, do: get(name, bytes)}.perMiB(size), f.hole(size)
	}
}

func uploadOf(secure bool) func(*files, int) (*load, error) {
	return func(f *files, size int) (*load, error) {
		send := func(w *worker, c channel) error { return c.sendFile(w.place.files.path(holeName(size))) }
		// The first upload has the home counted, for the quota.
		return load{workers: 1, tls: secure, do: put(send), check: put(sendSmall)}.perMiB(size), f.hole(size)
	}
}

func (l load) perMiB(size int) *load {
	l.each, l.costs = float64(size), float64(size)
	return &l
}

func holeName(size int) string { return fmt.Sprintf("hole-%d", size) }

// hole makes a file of so many MiB that is nothing but a hole: it takes no memory.
func (f *files) hole(size int) error {
	file, err := os.Create(f.path(holeName(size)))
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Truncate(int64(size) * mib)
}

// measure measures a curve on a natftpd of its own.
func (c curve) measure(ctx context.Context, p *place) (grown, error) {
	out := grown{Name: c.name, Text: c.text, Unit: c.unit}
	s, err := peer{self, natftpd}.start(ctx, p, c.name)
	if err != nil {
		return out, err
	}
	defer s.stop()
	defer context.AfterFunc(ctx, s.stop)()
	if err := s.rest(ctx); err != nil {
		return out, err
	}
	peak, err := watchMemory(s)
	if err != nil {
		return out, err
	}
	for _, size := range c.sizes {
		one := step{Size: size}
		if c.room != nil {
			one.LeftOut = lacking(p.dir, c.room(size))
		}
		if one.LeftOut == "" {
			if err := c.step(ctx, p, s, peak, &one); err != nil {
				one.Failed = err.Error()
			}
		}
		if out.Steps = append(out.Steps, one); one.Failed != "" {
			break // what is larger won't do better
		}
	}
	return out, nil
}

// rest waits until the server does nothing: when it starts it looks through the home
// for what nobody resumes, and a million files take it some seconds.
func (s *server) rest(ctx context.Context) error {
	const within, look, idle = 30 * time.Second, 200 * time.Millisecond, 4 * time.Millisecond
	before, err := s.clock.now()
	for begun := time.Now(); err == nil && time.Since(begun) < within; {
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		var now time.Duration
		if now, err = s.clock.now(); err == nil && now-before < idle {
			return nil
		}
		before = now
	}
	if err == nil {
		err = fmt.Errorf("the server did not come to rest within %s", within)
	}
	return err
}

func (c curve) step(ctx context.Context, p *place, s *server, peak peak, one *step) error {
	l, err := c.at(&p.files, one.Size)
	if err != nil {
		return err
	}
	if l.check != nil {
		if err := l.try(ctx, p, s); err != nil {
			return err
		}
	}
	if err := peak.reset(); err != nil {
		return err
	}
	got, err := calmest(ctx, p, l, s)
	if err != nil {
		return err
	}
	one.Took, one.CPU = got.P50, got.ServerCPU
	one.Memory, err = peak.above()
	return err
}

// spare is memory that stays free for everything else, the other uploads of the same
// measurement among it.
const spare = 4 << 30

// lacking says what is missing for files of so many bytes; "": nothing.
func lacking(dir string, bytes int64) string {
	var disk unix.Statfs_t
	free, err := memoryField(filepath.Join("/proc", "meminfo"), "MemAvailable")
	if err == nil {
		err = unix.Statfs(dir, &disk)
	}
	if err != nil {
		return err.Error()
	}
	if free = min(free, int64(disk.Bavail)*disk.Bsize); free >= bytes+spare {
		return ""
	}
	return fmt.Sprintf("left out: it takes %d GiB of memory, and %d are free", (bytes+spare)>>30, free>>30)
}

// kept says whether the curve was measured to its end and is as flat as it should be.
func (g grown) kept() bool {
	return g.rise() <= growsTo && !slices.ContainsFunc(g.Steps, func(one step) bool { return one.Failed != "" })
}

// rise is what a unit costs at the end, compared with where it was cheapest.
func (g grown) rise() float64 {
	cheapest, last := 0.0, 0.0
	for _, one := range g.Steps {
		if one.CPU == 0 {
			continue
		}
		if last = one.CPU; cheapest == 0 || last < cheapest {
			cheapest = last
		}
	}
	if cheapest == 0 {
		return 0
	}
	return last / cheapest
}

// cells are the table: each figure with its factor to the step before.
func (g grown) cells() (head []string, rows [][]string) {
	var before step
	for _, one := range g.Steps {
		if why := one.LeftOut + one.Failed; why != "" {
			rows = append(rows, []string{grouped(one.Size), why, "", "", "", ""})
			continue
		}
		rows = append(rows, []string{
			grouped(one.Size), figure(one.Took) + " ms", factor(one.Took, before.Took),
			cost(one.CPU), factor(one.CPU, before.CPU), figure(one.Memory) + " MiB",
		})
		before = one
	}
	return []string{g.Text, "an operation", "×", "CPU per " + g.Unit, "×", "memory above idle"}, rows
}

func factor(now, before float64) string {
	if now == 0 || before == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", now/before)
}

// verdict says in a sentence how the cost grows.
func (g grown) verdict() string {
	verdict := "linear"
	if !g.kept() {
		verdict = "MISSED"
	}
	return fmt.Sprintf("At the end one %s costs %.2f times as much as where it is cheapest (limit %d): %s.", g.Unit, g.rise(), growsTo, verdict)
}

func (g grown) print(w io.Writer) {
	head, rows := g.cells()
	fmt.Fprintln(w)
	for _, cells := range append([][]string{head}, rows...) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-36s %14s %7s %14s %6s  %s", cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]), " "))
	}
	fmt.Fprintln(w, g.verdict())
}

func growthText(all []grown) string {
	var text strings.Builder
	for _, one := range all {
		head, rows := one.cells()
		fmt.Fprintf(&text, "%s\n%s\n\n", report.Table(head, rows), one.verdict())
	}
	return text.String()
}
