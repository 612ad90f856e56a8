package cmd

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"natftpd/natdiscovery"
	"natftpd/server/status"
)

func TestTheReportIsDescribedFieldByField(t *testing.T) {
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| in the report | meaning |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var described []string
	for _, m := range regexp.MustCompile("`([a-z_]+)(?:\\[\\])?`").FindAllStringSubmatch(table, -1) {
		described = append(described, m[1])
	}
	names := namesOf(reflect.TypeFor[report]())
	for _, list := range []*[]string{&described, &names} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if !slices.Equal(names, described) {
		t.Errorf("the report has\n%q\ndocs/api.md tells of\n%q", names, described)
	}
}

func TestTheDoctorBelievesTheServerThatClientsCameIn(t *testing.T) {
	const here = "ftp://203.0.113.5:2121"
	for _, c := range []struct {
		name, look         string
		says               status.Snapshot
		verdict, alone, in string
	}{
		{"clients came in through both routers", "double_nat", status.Snapshot{Verdict: "reachable", Address: here},
			"reachable", "double NAT", "the running one says so, which knows who has come in; by this look alone: double NAT"},
		{"they came in at another address", "double_nat", status.Snapshot{Verdict: "reachable", Address: "ftp://198.51.100.7:2121"},
			"double NAT", "", "the running one says: reachable: friends dial ftp://198.51.100.7:2121"},
		{"the server sees the same", "double_nat", status.Snapshot{Verdict: "double NAT"}, "double NAT", "", "next step"},
		{"the server is still looking", "reachable", status.Snapshot{Verdict: "looking"}, "reachable", "", "the running one says: looking"},
		{"nobody knows the address", "address_unknown", status.Snapshot{Verdict: "reachable", Address: here}, "address unknown", "", "the running one says: reachable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReport(looks()[c.look], natdiscovery.Config{}, true)
			r.hear(&c.says)
			if string(r.Verdict) != c.verdict || string(r.Alone) != c.alone || r.Reachable != (c.verdict == "reachable") {
				t.Errorf("got %q, alone %q, reachable %v; want %q, %q", r.Verdict, r.Alone, r.Reachable, c.verdict, c.alone)
			}
			if got := strings.Join(strings.Fields(r.text()), " "); !strings.Contains(got, c.in) {
				t.Errorf("got\n%s\nwant %q in it", r.text(), c.in)
			}
		})
	}
}

// namesOf are the names in JSON of what a type holds, at any depth.
func namesOf(of reflect.Type) (names []string) {
	switch of.Kind() {
	case reflect.Slice, reflect.Pointer:
		return namesOf(of.Elem())
	case reflect.Struct:
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			names = append(append(names, name), namesOf(of.Field(i).Type)...)
		}
	}
	return names
}
