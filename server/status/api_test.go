package status

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// named are the fields that the description names, in backquotes and without brackets.
var named = regexp.MustCompile("`([a-z_]+)(?:\\[\\])?`")

func TestTheAPIIsDescribedFieldByField(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| field | meaning |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string]string{}
	for _, row := range strings.Split(table, "\n")[1:] {
		fields, meaning, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for _, m := range named.FindAllStringSubmatch(fields, -1) {
			rows[m[1]] = meaning
		}
	}
	for i := range reflect.TypeFor[Snapshot]().NumField() {
		field := reflect.TypeFor[Snapshot]().Field(i)
		name, row := jsonName(field), ""
		if row = rows[name]; row == "" {
			t.Errorf("docs/api.md has no row for %s", name)
		}
		for _, inner := range inside(field.Type) {
			if !slices.ContainsFunc(named.FindAllStringSubmatch(row, -1), func(m []string) bool { return m[1] == inner }) {
				t.Errorf("docs/api.md does not tell of %s.%s", name, inner)
			}
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("docs/api.md tells of %s, which is not there", name)
	}
}

// inside are the names of the fields below one.
func inside(of reflect.Type) []string {
	for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() == "time" {
		return nil
	}
	var names []string
	for i := range of.NumField() {
		names = append(names, jsonName(of.Field(i)))
		names = append(names, inside(of.Field(i).Type)...)
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
