package conf

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Hook is a program or a web server that is told of events.
type Hook struct {
	// On are the events, such as "upload".
	On []string
	// Command is a program and its arguments, no shell; URL is where a POST goes.
	// Exactly one of them is set.
	Command []string
	URL     string
	// Secret signs what URL is sent. Empty: it is not signed.
	Secret string
	// Timeout bounds one run of Command, or one request.
	Timeout time.Duration
}

// hookTimeout is Hook.Timeout when the file does not say.
const hookTimeout = 30 * time.Second

// hookEvents are all events there are.
func hookEvents() []string {
	return []string{"upload", "download", "login", "ban", "external_address", "verdict"}
}

func hookKeys() []row[Hook] {
	return []row[Hook]{
		many("on", "", "write some of "+strings.Join(hookEvents(), ", ")+", for example [upload]",
			func(h *Hook) *[]string { return &h.On }, hookEvent, showList).mandatory(),
		many("command", "", "write the program and its arguments, for example [/usr/local/bin/thumbnail, --small]",
			func(h *Hook) *[]string { return &h.Command }, argument, showList),
		one("url", "", "write where to send a POST, for example https://example.org/natftpd",
			func(h *Hook) *string { return &h.URL }, optional(hookURL), quoted),
		one("secret", "", "write the text that both sides know",
			func(h *Hook) *string { return &h.Secret }, text, showSecret).kept(),
		one("timeout", "", "write a time with its unit, for example 30s",
			func(h *Hook) *time.Duration { return &h.Timeout }, duration(time.Second, time.Hour), showDuration),
	}
}

func hookEvent(v *[]string, s string) error {
	switch {
	case !slices.Contains(hookEvents(), s):
		return fmt.Errorf("%q is no event", s)
	case slices.Contains(*v, s):
		return fmt.Errorf("%q is there twice", s)
	}
	*v = append(*v, s)
	return nil
}

func argument(v *[]string, s string) error {
	var a string
	if err := text(&a, s); err != nil {
		return err
	}
	*v = append(*v, a)
	return nil
}

func hookURL(v *string, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no address of a web server", s)
	}
	if u.User != nil {
		return &hinted{fmt.Errorf("%s has a name or password in it, which logs would show", u.Redacted()), "write them out of it; secret signs what is sent"}
	}
	*v = s
	return nil
}

// checkHooks demands one thing to do of each hook.
func (l *loader) checkHooks() {
	for i := range l.Hooks {
		h := &l.Hooks[i]
		path := func(key string) string { return fmt.Sprintf("hooks[%d].%s", i, key) }
		if h.Timeout == 0 {
			h.Timeout = hookTimeout
		}
		if l.sound(path("on")) && len(h.On) == 0 {
			l.wrong(l.at(path("on")), "hooks.on", "is empty", "write some of "+strings.Join(hookEvents(), ", ")+", or remove the hook")
		}
		if !l.sound(path("command"), path("url"), path("secret")) {
			continue
		}
		switch command, web := len(h.Command) > 0, h.URL != ""; {
		case command == web:
			l.wrong(l.at(path("")), "hooks", "needs a command or a url, one of them", "write for example command: [/usr/local/bin/thumbnail]")
		case command && h.Command[0] == "":
			l.wrong(l.at(path("command")), "hooks.command", "names no program", "write its path first, for example [/usr/local/bin/thumbnail, --small]")
		case command && h.Secret != "":
			l.wrong(l.at(path("secret")), "hooks.secret", "is set for a command, which nobody signs", "remove it")
		}
	}
}
