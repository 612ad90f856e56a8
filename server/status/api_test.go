package status

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestTheAPIIsDescribedFieldByField(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var look func(of reflect.Type, where string)
	look = func(of reflect.Type, where string) {
		for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of.PkgPath() == "time" {
			return
		}
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if name == "" {
				t.Errorf("%s.%s has no name in JSON", where, of.Field(i).Name)
			}
			if !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), "`"+name+"[]`") {
				t.Errorf("docs/api.md does not tell of %s.%s", where, name)
			}
			look(of.Field(i).Type, where+"."+name)
		}
	}
	look(reflect.TypeFor[Snapshot](), "")
}
