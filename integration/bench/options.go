//go:build linux

package main

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const mib = 1 << 20

// options are what the command line asks for.
type options struct {
	rows   *regexp.Regexp
	peers  []string
	rounds int
	tries  int
	time   time.Duration
	size   int64 // of the large file
	json   string
	// publish is a folder for files; the page is the folder's name with .md.
	publish string
	natftpd string
	pgo     string
	small   bool
	modes   []mode
}

// quick is what -quick sets where nothing else was said. The folders of 100,000
// entries and the idle sessions take most of a whole run.
var quick = map[string]string{
	"rounds": "1", "tries": "1", "time": "50ms", "size": "64",
	"rows": `^(((download|upload)-1|(get|put)-4k-[18]|list-10k|login)(-tls)?|mlsd-10k|mirror|loopback.*|large-folders)$|^(sessions|files|entries)`,
}

func parseOptions(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	rows := set.String("rows", "", "measure only the loads, or with -limits the trials, whose name matches this `REGEXP`")
	peers := set.String("peers", strings.Join(peerNames(), ","), "the servers to compare, a `LIST` with commas")
	size := set.Int64("size", 1024, "size of the large file in `MiB`")
	set.IntVar(&o.rounds, "rounds", 5, "rounds")
	set.DurationVar(&o.time, "time", time.Second, "how long one load on one server lasts in each round, at least")
	set.IntVar(&o.tries, "tries", 3, "measure up to so many times while other programs keep the cores busy")
	set.StringVar(&o.json, "json", "", "write all figures to this `FILE`")
	set.StringVar(&o.publish, "publish", "", "write figures and pictures into this `FOLDER`, and the page of the same name, FOLDER.md")
	set.StringVar(&o.natftpd, "natftpd", "", "measure this `PROGRAM` instead of building natftpd from the tree")
	set.StringVar(&o.pgo, "pgo", "", "with -profile: write a profile for the compiler to this `FILE`")
	set.BoolVar(&o.small, "quick", false, "less of everything: below a minute, to see that it works")
	asked := map[string]*bool{}
	for _, m := range modes() {
		asked[m.name] = set.Bool(m.name, false, m.text)
	}
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if o.small {
		said := map[string]bool{}
		set.Visit(func(f *flag.Flag) { said[f.Name] = true })
		for name, value := range quick {
			if !said[name] {
				if err := set.Set(name, value); err != nil {
					return o, err
				}
			}
		}
	}
	for _, m := range modes() {
		if *asked[m.name] {
			o.modes = append(o.modes, m)
		}
	}
	if o.modes == nil {
		o.modes = modes()[:1]
	}
	complain := func(format string, a ...any) (options, error) {
		err := fmt.Errorf(format, a...)
		fmt.Fprintln(set.Output(), "bench:", err)
		return o, err
	}
	if o.rows, err = regexp.Compile(*rows); err != nil {
		return complain("-rows: %w", err)
	}
	for _, name := range strings.Split(*peers, ",") {
		if !slices.Contains(peerNames(), name) {
			return complain("-peers: no server %q, only %s", name, strings.Join(peerNames(), ", "))
		}
		o.peers = append(o.peers, name)
	}
	if o.size = *size * mib; o.size <= 0 || o.rounds <= 0 || o.tries <= 0 || o.time <= 0 || set.NArg() > 0 {
		return complain("-size, -rounds, -tries and -time are above zero, and nothing follows the flags")
	}
	return o, nil
}
