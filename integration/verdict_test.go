//go:build linux

package integration

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// verdictWithin is when the log must say what is in the way: the search for a
// gateway has given up and the STUN servers have had their time-out.
const verdictWithin = 15 * time.Second

// Whatever is wrong with the network, neighbours are served, and the log, doctor and
// its JSON say the same about it.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		options   lab.Options
		spoil     func(*testing.T, *lab.Lab)
		verdict   string
		reachable bool
	}{
		{"a router that opens ports by UPnP", lab.Options{UPnP: lab.IGD2}, nil, "reachable", true},
		{"a router that opens ports by PCP", lab.Options{PMP: true}, nil, "reachable", true},
		{"ports forwarded by hand", lab.Options{Forwarded: defaultPorts}, nil, "forwarded by hand", true},
		{"a router that refuses UPnP", lab.Options{UPnP: lab.IGD1, Refuses: true}, nil, "gateway refuses", false},
		{"a router that refuses PCP and UPnP", lab.Options{UPnP: lab.IGD2, PMP: true, Refuses: true}, nil, "gateway refuses", false},
		{"a router that refuses PCP", lab.Options{PMP: true, Refuses: true}, nil, "gateway refuses", false},
		{"a second router in front", lab.Options{UPnP: lab.IGD2, Carrier: netip.MustParsePrefix("192.168.178.0/24")}, nil, "double NAT", false},
		// miniupnpd keeps a reserved address to itself: only the next router's tells
		// a carrier from a second router.
		{"a carrier's NAT", lab.Options{UPnP: lab.IGD1, Carrier: netip.MustParsePrefix("100.64.0.0/24")}, nil, "carrier NAT", false},
		{"a dead router", lab.Options{},
			func(t *testing.T, l *lab.Lab) { l.Router.Run(t, "ip", "link", "set", "dev", "lan", "down") },
			"no gateway", false},
		{"no default route", lab.Options{},
			func(t *testing.T, l *lab.Lab) { l.Server.Run(t, "ip", "route", "del", "default") },
			"no gateway", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, test.options)
			if test.spoil != nil {
				test.spoil(t, l)
			}
			s := configure(t, l.Server, 2121, l.STUN)
			s.diagnose(t, "doctor", test.verdict, test.reachable)
			if err := rulesAre(t, l.Router, nil); err != nil {
				t.Errorf("after doctor without a server: %v", err)
			}

			s.start(t)
			mustBeTold(t, l.Neighbour, s.at(lab.ServerAddr), lab.ServerAddr)
			s.AwaitLog(t, verdictWithin, fmt.Sprintf("verdict=\"?%s", test.verdict))
			testTransfers(t, l.Neighbour, s, lab.ServerAddr, 1)
			if got := s.verdicts(); len(got) != 1 {
				t.Errorf("verdicts in the log: got %q, want one", got)
			}
			if test.options.UPnP != "" || test.options.PMP {
				s.AwaitLog(t, mappedWithin, "passive ports asked for|level=WARN .*verdict=")
			}
			before := l.Router.Rules(t)
			if out := s.diagnose(t, "doctor", test.verdict, test.reachable); test.options.Carrier.IsValid() {
				s.mustNameNextRouter(t, out, nextRouter(test.options))
			}
			out := s.diagnose(t, "doctor --json", test.verdict, test.reachable)
			if want := fmt.Sprintf("%q: %q", "next_router", nextRouter(test.options)); !strings.Contains(out, want) {
				t.Errorf("doctor --json: no %s in:\n%s", want, out)
			}
			if err := rulesAre(t, l.Router, before); err != nil {
				t.Errorf("after doctor beside a server: %v", err)
			}
		})
	}
}

// PCP can't be asked what is open: doctor finds out by opening and closing it, which is
// not for the ports of a server that runs, whether it has a place for doctor or not.
func TestDoctorLeavesTheServersPortsOpen(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{PMP: true})
	s := serve(t, l.Server, 2121, l.STUN)
	lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
	for name, ask := range map[string]func(*exec.Cmd){
		"a server that listens elsewhere now": func(c *exec.Cmd) { c.Env = append(c.Env, "NATFTPD_FTP_LISTEN=:2122") },
		"a server without a place": func(*exec.Cmd) {
			for range 20 { // ftp.max_sessions_per_ip
				conn, err := l.Server.Dial(s.at(netip.MustParseAddr("127.0.0.1")))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
			}
		},
	} {
		cmd := s.command("doctor")
		ask(cmd)
		out, _ := l.Server.Try(cmd)
		if err := rulesAre(t, l.Router, rulesFor(s.port)); err != nil {
			t.Errorf("after doctor beside %s: %v\n%s", name, err, out)
		}
	}
}

func TestAnInterruptedDoctorClosesWhatItOpened(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]lab.Options{"by UPnP": {UPnP: lab.IGD2}, "by PCP": {PMP: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, options)
			doctor := lab.Start(t, "doctor", configure(t, l.Server, 2121, l.STUN).command("doctor"))
			lab.Await(t, mappedWithin, func() error {
				if len(l.Router.Rules(t)) == 0 {
					return errors.New("nothing is opened yet")
				}
				return nil
			})
			if code := doctor.Stop(t, syscall.SIGINT, stopWithin); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if err := rulesAre(t, l.Router, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// A router that serves a host for its own mappings only keeps what this host had under
// another address, until the leases end. The LAN does not wait for that.
func TestMappingsOfAFormerAddressAreNamed(t *testing.T) {
	t.Parallel()
	now := netip.MustParseAddr("192.168.77.11")
	l := lab.New(t, lab.Options{UPnP: lab.IGD2})
	s := serve(t, l.Server, 2121, l.STUN)
	lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
	s.Stop(t, syscall.SIGKILL, stopWithin)
	l.MoveServer(t, lab.ServerAddr, now)
	s.start(t)
	s.AwaitLog(t, verdictWithin, `verdict="gateway refuses" advice="wait until 20.* former address 192\.168\.77\.10 end`)
	testTransfers(t, l.Neighbour, s, now, 1)
}

var verdictLine = regexp.MustCompile(`verdict="?([a-zA-Z ]+\w)`)

// verdicts are those that the log tells, in order, each once.
func (s *server) verdicts() []string {
	var all []string
	for _, m := range verdictLine.FindAllStringSubmatch(s.Log(), -1) {
		all = append(all, m[1])
	}
	return slices.Compact(all)
}

// diagnose runs doctor, as a person does or as a script. It must come to the verdict,
// and say by its exit code whether anybody outside gets in.
func (s *server) diagnose(t *testing.T, command, verdict string, reachable bool) (out string) {
	t.Helper()
	want := regexp.MustCompile(map[string]string{
		"doctor":        `\A` + verdict + `(: friends dial .*)?\n`,
		"doctor --json": fmt.Sprintf(`(?s)"verdict": %q,.*"reachable": %t,`, verdict, reachable),
	}[command])
	code := map[bool]int{true: 0, false: 4}[reachable]
	cmd := s.command(strings.Fields(command)...)
	var err error
	out, err = s.host.Try(cmd)
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("%s: got exit code %d (%v), want %d", command, got, err, code)
	}
	if !want.MatchString(out) {
		t.Errorf("%s: no %s in:\n%s", command, want, out)
	}
	return out
}

// nextRouter is the router behind the home's, "" if there is none before the STUN
// servers.
func nextRouter(o lab.Options) string {
	if !o.Carrier.IsValid() {
		return ""
	}
	return o.Carrier.Addr().Next().String()
}

// mustNameNextRouter wants the router that stands between the home's and the internet
// named in the doctor's next step, in its picture and among its evidence, and in the
// log's advice.
func (s *server) mustNameNextRouter(t *testing.T, doctor, next string) {
	t.Helper()
	step, rest, _ := strings.Cut(doctor, "\n\n")
	for what, text := range map[string]string{"next step": step, "carrier": rest, "way": rest} {
		if !regexp.MustCompile(`(?s)` + what + `.*` + regexp.QuoteMeta(next)).MatchString(text) {
			t.Errorf("the doctor's %s does not name %s:\n%s", what, next, doctor)
		}
	}
	if !regexp.MustCompile(`advice=.*` + regexp.QuoteMeta(next)).MatchString(s.Log()) {
		t.Errorf("the log's advice does not name %s", next)
	}
}
