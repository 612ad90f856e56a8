package flame_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"natftpd/integration/bench/flame"
)

const traces = `File: natftpd
Type: cpu
Duration: 5s, Total samples = 30000us
-----------+-------------------------------------------------------
   10000us   internal/runtime/syscall.Syscall6
             natftpd/server/data.(*Conn).Write
             main.main
-----------+-------------------------------------------------------
   20000us   slices.SortFunc[go.shape.[]int,go.shape.<int>] (inline)
             main.main
`

func TestParse(t *testing.T) {
	got, err := flame.Parse(strings.NewReader(traces))
	want := []flame.Stack{
		{[]string{"main.main", "natftpd/server/data.(*Conn).Write", "internal/runtime/syscall.Syscall6"}, 10 * time.Millisecond},
		{[]string{"main.main", "slices.SortFunc[go.shape.[]int,go.shape.<int>]"}, 20 * time.Millisecond},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := flame.Parse(strings.NewReader("-----\n  soon main.main\n")); err == nil {
		t.Error("a stack without a time is taken")
	}
}

func TestAPictureHasABoxForEachCall(t *testing.T) {
	stacks, err := flame.Parse(strings.NewReader(traces))
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := flame.Draw(&picture, "a <load>", stacks); err != nil {
		t.Fatal(err)
	}
	var widths []string
	for d := xml.NewDecoder(&picture); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if ok && e.Name.Local == "rect" && e.Attr[0].Value != "" && attr(e, "height") == "17" {
			widths = append(widths, attr(e, "width"))
		}
	}
	// All, main, the write and its system call, the sorting.
	if want := []string{"1000.0", "1000.0", "333.3", "333.3", "666.7"}; !reflect.DeepEqual(widths, want) {
		t.Errorf("widths: got %v, want %v", widths, want)
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func TestNoPictureOfNothing(t *testing.T) {
	if err := flame.Draw(io.Discard, "", nil); err == nil {
		t.Error("an empty profile is drawn")
	}
}
