package control

import (
	"net/netip"
	"testing"
)

func TestParsePortAndEprt(t *testing.T) {
	for arg, want := range map[string]string{
		"127,0,0,1,200,10":   "127.0.0.1:51210",
		"1,2,3,4,0,21":       "1.2.3.4:21",
		"1, 2, 3, 4, 0, 21":  "1.2.3.4:21",
		"256,0,0,1,1,1":      "",
		"1,2,3,4,1":          "",
		"-1,2,3,4,1,1":       "",
		"|1|127.0.0.1|5000|": "127.0.0.1:5000",
		"|2|::1|5000|":       "[::1]:5000",
		"!1!127.0.0.1!5000!": "127.0.0.1:5000",
		"|2|fe80::1%eth0|1|": "",
		"|1||5000|":          "",
		" 1 1.2.3.4 5000 ":   "",
		"":                   "",
	} {
		parse := parsePort
		if arg == "" || arg[0] < '0' || arg[0] > '9' && arg[0] != '-' {
			parse = parseEprt
		}
		got, err := parse(arg)
		if want == "" {
			if err == nil {
				t.Errorf("%q: got %s, want an error", arg, got)
			}
		} else if err != nil || got != netip.MustParseAddrPort(want) {
			t.Errorf("%q: got %s, %v; want %s", arg, got, err, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("127,0,0,1,200,10")
	f.Add("|2|::1|5000|")
	f.Fuzz(func(t *testing.T, arg string) {
		if got, err := parsePort(arg); err == nil && !got.Addr().Is4() {
			t.Errorf("PORT %q is %s", arg, got)
		}
		if got, err := parseEprt(arg); err == nil && (!got.IsValid() || got.Addr().Zone() != "") {
			t.Errorf("EPRT %q is %s", arg, got)
		}
	})
}
