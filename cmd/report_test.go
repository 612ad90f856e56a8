package cmd

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
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
