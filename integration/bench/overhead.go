//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"natftpd/integration/report"
)

const (
	// bareConfiguration is natftpd with everything off that can be switched off.
	bareConfiguration = "bare"
	// overheadGoal is what natftpd with everything on keeps of its speed.
	overheadGoal = 0.97
	// overheadRounds is how many rounds there are for each of another comparison: a
	// difference of a few percent hides in fewer.
	overheadRounds = 3
)

// overheadRows are the loads on which the features are weighed, watchedRows those on
// which the page and the metrics are weighed alone.
var (
	overheadRows = regexp.MustCompile(`^((download|upload|get-4k|put-4k)-1|(get|put)-4k-8|list-10k|login)(-tls)?$`)
	watchedRows  = regexp.MustCompile(`^(download-1|(get|put)-4k-8)$`)
)

// compareWithBare compares natftpd with everything on, and with nothing on but what
// watches it, with the same program with everything off, in turn.
func compareWithBare(ctx context.Context, p *place) error {
	all, versions, err := p.weigh(ctx, natftpdFull, overheadRows)
	if err != nil {
		return err
	}
	watched, _, err := p.weigh(ctx, natftpdWatched, watchedRows)
	if err != nil {
		return err
	}
	text := overheadText(all, "everything on") + "\nOf all that, the status page and the metrics alone, both looked at every second:\n\n" +
		overheadText(watched, "watched")
	if err := publish(p, versions, published{name: "overhead", figures: append(all, watched...), text: text}); err != nil {
		return err
	}
	if slices.ContainsFunc(append(all, watched...), func(r result) bool { return r.missed() != nil }) {
		return errMissed
	}
	return nil
}

// weigh compares natftpd as it is configured by on with the bare one.
func (p *place) weigh(ctx context.Context, on func(context.Context, ground) (launch, error), loads *regexp.Regexp) ([]result, map[string]string, error) {
	var chosen []row
	for _, r := range rows(p.options) {
		if !loads.MatchString(r.name) || !p.rows.MatchString(r.name) {
			continue
		}
		r.machine, r.bare, r.goal = nil, "", goal{Ahead: overheadGoal, Cheaper: overheadGoal}
		chosen = append(chosen, r)
	}
	longer := *p
	longer.rounds *= overheadRounds
	results, versions, err := compare(ctx, &longer, []peer{{self, on}, {bareConfiguration, natftpdBare}}, chosen)
	if err == nil {
		summary(os.Stdout, results, []string{self, bareConfiguration})
	}
	return results, versions, err
}

func overheadText(results []result, on string) string {
	var rows [][]string
	for _, r := range results {
		text := r.Text
		if r.missed() != nil {
			text += " **(missed)**"
		}
		rows = append(rows, []string{text, r.Unit, medianText(r.of(self)), medianText(r.of(bareConfiguration)),
			bounded(ratio(r.ahead()), r.Goal.Ahead), bounded(ratio(r.cheaper()), r.Goal.Cheaper)})
	}
	return report.Table([]string{"load", "unit", on, "everything off", "speed, on to off", "CPU, off to on"}, rows) +
		"\n" + disturbanceText(results)
}

// natftpdFull has every feature on that an operator may have on, none of which
// binds, with a Prometheus that reads the metrics and a browser that shows the
// status page. Only hooks on transfers are not there: they run a program for each,
// which costs what that program does.
func natftpdFull(ctx context.Context, g ground) (launch, error) {
	l, err := configured(g, fmt.Sprintf(`ftp:
  max_sessions: 12000
  max_sessions_per_ip: 11000
  max_sessions_per_user: 11000
  new_sessions_per_ip: 10000
  upload: atomic
bans: {after: 1000}
hooks: [{on: [ban, external_address, verdict], command: [/bin/true]}]
log: {level: info, format: json, xferlog: %q}
status: {listen: "%s"}
`, filepath.Join(g.dir, "xferlog"), g.status), "quota: 100TB, max_rate: 100TB")
	l.beside = func(ctx context.Context) error { return watchStatus(ctx, g.status) }
	return l, err
}

// natftpdWatched has nothing on but what watches it.
func natftpdWatched(_ context.Context, g ground) (launch, error) {
	l, err := bare(g, g.status.String())
	l.beside = func(ctx context.Context) error { return watchStatus(ctx, g.status) }
	return l, err
}

// natftpdBare has all of it off. What is left cannot be switched off: the counters
// behind the page, which natftpd status also asks for, and a log of what goes wrong.
func natftpdBare(_ context.Context, g ground) (launch, error) {
	l, err := bare(g, "off")
	l.server.name = bareConfiguration
	return l, err
}

func bare(g ground, status string) (launch, error) {
	return configured(g, `ftp:
  max_sessions: 0
  max_sessions_per_ip: 0
  max_sessions_per_user: 0
  new_sessions_per_ip: 0
  upload: direct
bans: {after: 0}
log: {level: error}
status: {listen: "`+status+`"}
`, "quota: 0")
}

// configured is natftpd with settings that begin with those of ftp, and with some of
// the account.
func configured(g ground, settings, account string) (launch, error) {
	file, err := g.file("natftpd.yaml", fmt.Sprintf(`%s
nat: {port_mapping: off, stun_servers: []}
tls: {mode: optional, certificate: %q, key: %q}
users: [{name: %s, password: %q, home: %q, %s}]
state_dir: %q
`, settings, g.certificate(), g.key(), user, cheapHash(), g.home, account, filepath.Join(g.dir, "state")))
	l := natftpdLaunch(g, file)
	l.env = []string{fmt.Sprintf("NATFTPD_FTP_LISTEN=%s", g.control), fmt.Sprintf("NATFTPD_FTP_PASSIVE_PORTS=%d-%d", g.passive, g.last)}
	return l, err
}
