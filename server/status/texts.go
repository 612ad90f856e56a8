package status

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// How values are told to people.

// Visible makes characters seen that would hide or change what stands around
// them: a client chooses its file names. Control characters, and those that turn
// the direction of writing (Unicode Standard Annex 9) or have no width, become
// their numbers.
func Visible(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if !strings.ContainsFunc(s, hides) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hides(r) {
			fmt.Fprintf(&b, "<%04X>", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hides tells those characters. The joiners belong to scripts and emoji.
func hides(r rune) bool {
	const nonJoiner, joiner, softHyphen = 0x200C, 0x200D, 0xAD
	switch r {
	case nonJoiner, joiner, softHyphen:
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Bytes is an amount in the units of file managers: powers of 1000.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n), "kMGTPE"
	for i := range units {
		if value /= 1000; value < 999.5 || i == len(units)-1 {
			if value < 9.95 {
				return fmt.Sprintf("%.1f %cB", value, units[i])
			}
			return fmt.Sprintf("%.0f %cB", value, units[i])
		}
	}
	return ""
}

// Left is a time left in words; "" for one that is not known.
func Left(seconds int64) string {
	switch d := time.Duration(seconds) * time.Second; {
	case seconds < 0:
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%d s left", seconds)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s left", seconds/60, seconds%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min left", seconds/3600, seconds/60%60)
	}
	return fmt.Sprintf("%d days left", seconds/86400)
}

// percent is how much of a transfer's file is through.
func percent(t Transfer) int64 {
	if t.Size <= 0 {
		return 100
	}
	return min(100, (t.Offset+t.Bytes)*100/t.Size)
}

// capital begins a sentence.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// factual is the facts of an event on one line.
func factual(e Event) string {
	parts := make([]string, len(e.Facts))
	for i, f := range e.Facts {
		parts[i] = strings.ReplaceAll(f.Name, "_", " ") + " " + Visible(f.Value)
	}
	return strings.Join(parts, " · ")
}

// Tally counts the ports by use, as "8 free, 2 in use".
func (p Passive) Tally() string {
	var parts []string
	for _, use := range []PortUse{PortFree, PortInUse, PortUnverified, PortHeld} {
		n := 0
		for _, port := range p.Ports {
			if port.Use == use {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, use))
		}
	}
	return strings.Join(parts, ", ")
}

// stateWord says what a colour says.
func stateWord(s State) string {
	switch s {
	case StateGood:
		return "in order"
	case StateWarning:
		return "with care"
	case StateBad:
		return "in the way"
	}
	return "not known"
}

// useClass names a use for the style.
func useClass(u PortUse) string {
	switch u {
	case PortInUse:
		return "in-use"
	case PortHeld:
		return "held"
	}
	return string(u)
}

// visibleLines is Visible for each line.
func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Visible(lines[i])
	}
	return strings.Join(lines, "\n")
}
