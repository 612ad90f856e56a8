package conf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// unit is a multiple of bytes.
type unit struct {
	name  string
	bytes int64
}

// units are the decimal ones of SI and the binary ones of IEC 80000-13, the
// largest first: an amount is shown in the first that divides it.
func units() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3},
	}
}

// amount is a number of bytes, such as 500000, 100GB or 1.5 GiB.
func amount(v *int64, s string) error {
	number, factor := strings.TrimSpace(s), int64(1)
	for _, u := range append(units(), unit{"B", 1}) {
		if head, found := cutSuffixFold(number, u.name); found {
			number, factor = strings.TrimSpace(head), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	bytes := n * float64(factor)
	switch {
	case err != nil || strings.ContainsAny(number, "xXpPeEnN_"): // no hexadecimal, no exponent, no NaN
		return fmt.Errorf("%q is no number of bytes", s)
	case n < 0:
		return fmt.Errorf("%q is less than nothing", s)
	case bytes >= math.MaxInt64:
		return fmt.Errorf("%q is more than any disk holds", s)
	case bytes != math.Trunc(bytes):
		return fmt.Errorf("%q is no whole number of bytes", s)
	}
	*v = int64(bytes)
	return nil
}

// rate is an amount a second. One that is too slow for the smallest chunk would
// look like a connection that stands still.
func rate(v *int64, s string) error {
	var n int64
	if err := amount(&n, s); err != nil {
		return err
	}
	if n != 0 && n < leastRate {
		return fmt.Errorf("%q is slower than %s a second", s, showAmount(leastRate))
	}
	*v = n
	return nil
}

const leastRate = 1000

func cutSuffixFold(s, suffix string) (string, bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}

func showAmount(n int64) string {
	if n != 0 {
		for _, u := range units() {
			if n%u.bytes == 0 {
				return strconv.FormatInt(n/u.bytes, 10) + u.name
			}
		}
	}
	return strconv.FormatInt(n, 10)
}

// count is a whole number from least to most.
func count(least, most int) func(*int, string) error {
	return func(v *int, s string) error {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no whole number", s)
		case n < least || n > most:
			return fmt.Errorf("%d is not from %d to %d", n, least, most)
		}
		*v = n
		return nil
	}
}
