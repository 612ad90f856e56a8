package control_test

import (
	"regexp"
	"strings"
)

// play plays a script: a line each for a command and what has to come of it,
//
//	command => the beginning of the reply
//	command =>> what is downloaded, its lines put together by |
//	command <<= what is uploaded, and then the 150 reply
//
// where what begins with ~ is a regular expression.
func (c *client) play(script string) {
	c.t.Helper()
	for step := range strings.Lines(strings.Trim(script, "\n")) {
		step = strings.Trim(step, "\t\n")
		if command, want, ok := strings.Cut(step, "=>> "); ok {
			got := c.download(strings.TrimRight(command, " "), c.open())
			got = strings.ReplaceAll(strings.TrimSuffix(got, "\r\n"), "\r\n", "|")
			if !fits(got, want, true) {
				c.t.Errorf("%s: got %q, want %q", command, got, want)
			}
		} else if command, rest, ok := strings.Cut(step, "<<= "); ok {
			content, want, _ := strings.Cut(rest, " ")
			c.upload(strings.TrimRight(command, " "), content, want)
		} else {
			command, want, _ := strings.Cut(step, "=> ")
			c.send(strings.TrimRight(command, " ") + "\r\n")
			if got := c.reply(); !fits(got, want, false) {
				c.t.Errorf("%s: got %q, want %q", command, got, want)
			}
		}
	}
}

// fits tells whether got is what is wanted, or begins so.
func fits(got, want string, whole bool) bool {
	if pattern, ok := strings.CutPrefix(want, "~"); ok {
		return regexp.MustCompile("(?s)" + pattern).MatchString(got)
	}
	return got == want || !whole && strings.HasPrefix(got, want)
}
