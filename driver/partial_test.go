package driver

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestPartialNames(t *testing.T) {
	name := partialName("alice", "file", 0)
	if want := ".natftpd-1-82d108c0058c391f04ec684a061cb311.part"; name != want {
		t.Errorf("got %s, want %s: uploads that wait would be lost", name, want)
	}
	others := map[string]string{
		"another owner":        partialName("bob", "file", 0),
		"another target":       partialName("alice", "File", 0),
		"a second one":         partialName("alice", "file", 1),
		"an owner with quotes": partialName(`alice" `, "file", 0),
	}
	seen := map[string]string{name: "the first"}
	for what, other := range others {
		if before, twice := seen[other]; twice {
			t.Errorf("%s has the name of %s", what, before)
		}
		seen[other] = what
	}
}

func TestWhichNamesArePartials(t *testing.T) {
	ours := partialName("alice", "file", 7)
	tests := map[string]struct{ partial, ours bool }{
		ours:                                   {true, true},
		strings.ToUpper(ours):                  {true, false},
		ours + ".":                             {true, false},
		strings.Replace(ours, "-1-", "-2-", 1): {true, false},
		strings.Replace(ours, "-7", "-07", 1):  {true, false},
		strings.Replace(ours, "-7", "-64", 1):  {true, false},
		strings.Replace(ours, "-7", "-0", 1):   {true, false},
		strings.Replace(ours, "-7", "7", 1):    {true, false},
		".natftpd-.part":                       {true, false},
		".natftpd-part":                        {false, false},
		".natftpd.part":                        {false, false},
		"natftpd-1.part":                       {false, false},
		".natftpd-1.part.txt":                  {false, false},
		"file":                                 {false, false},
		"":                                     {false, false},
		"...":                                  {false, false},
	}
	for name, want := range tests {
		if got := isPartial(name); got != want.partial {
			t.Errorf("isPartial(%q): got %t, want %t", name, got, want.partial)
		}
		if got := isOurPartial(name); got != want.ours {
			t.Errorf("isOurPartial(%q): got %t, want %t", name, got, want.ours)
		}
	}
}

// FuzzPartialNames compares with what a regular expression takes for a partial,
// and sees that every name has one that fits a directory entry.
func FuzzPartialNames(f *testing.F) {
	f.Add("alice", "file", 0, partialName("alice", "file", 1))
	f.Add("anonymous\nXY", strings.Repeat("ü", 127), 63, ".natftpd-2-.part")
	f.Add("", "", -1, ".NATFTPD-1-.part . ")
	hidden := regexp.MustCompile(`(?s)^\.(?i:natftpd)-.*\.(?i:part)[. ]*$`)
	ours := regexp.MustCompile(`^\.natftpd-1-[0-9a-f]{32}(-([1-9]|[1-5][0-9]|6[0-3]))?\.part$`)
	f.Fuzz(func(t *testing.T, owner, target string, number int, name string) {
		if got, want := isPartial(name), hidden.MatchString(name); got != want {
			t.Errorf("isPartial(%q): got %t, want %t", name, got, want)
		}
		if got, want := isOurPartial(name), ours.MatchString(name); got != want || got && !isPartial(name) {
			t.Errorf("isOurPartial(%q): got %t, want %t", name, got, want)
		}
		if path.Base(name) == name && hasPartial("/a/"+name+"/b") != isPartial(name) {
			t.Errorf("hasPartial of a path with %q: want %t", name, isPartial(name))
		}
		if number < 0 || number >= maxPartials {
			return
		}
		made := partialName(owner, target, number)
		if !isOurPartial(made) || len(made) > 255 {
			t.Errorf("partialName(%q, %q, %d): got %q, which is none", owner, target, number, made)
		}
	})
}
