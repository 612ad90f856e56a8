//go:build linux

package main

import (
	"context"
	"fmt"
)

// gauge is how a row is measured.
type gauge interface {
	// try does it once, everything checked.
	try(context.Context, *place, *server) error
	// measure does it for a while.
	measure(context.Context, *place, *server) (sample, error)
}

// row is a line of the table.
type row struct {
	name string // for -rows
	text string
	unit string // of the value
	less bool   // a smaller value is the better one
	cost string // what the server's CPU time is told for; "" is not told
	once bool   // one round tells as much as several
	// prepare makes the files that only some rows need; nil: none.
	prepare func(*files) error
	gauge   gauge
	// machine is what the machine itself can do, bare what that is called; nil where
	// there is no such thing.
	machine gauge
	bare    string
	goal    goal
}

// rows are all loads.
func rows(o options) []row {
	var all []row
	for _, secure := range []bool{false, true} {
		for _, sessions := range []int{1, 4} {
			all = append(all, download(o, sessions, secure), upload(o, sessions, secure))
		}
		for _, sessions := range []int{1, 8, 64} {
			all = append(all, smallGet(sessions, secure), smallPut(sessions, secure))
		}
		for _, entries := range []int{10_000, 100_000} {
			all = append(all, listing("LIST", entries, secure), listing("MLSD", entries, secure))
		}
		all = append(all, logins(8, secure), mirrorRow(secure), idleRow(1000, secure), idleRow(10_000, secure))
	}
	return append(all, slowLogins(8), loopback(o, bareWrite), loopback(o, bareSealed))
}

// label names a row.
func label(secure bool, name, format string, a ...any) (short, text string) {
	text = fmt.Sprintf(format, a...)
	if secure {
		return name + "-tls", text + ", TLS"
	}
	return name, text
}

func sessionsText(n int) string {
	if n == 1 {
		return "1 session"
	}
	return fmt.Sprintf("%d sessions", n)
}

const bigName = "big"

func theBig(int) string { return bigName }

func download(o options, sessions int, secure bool) row {
	r := row{unit: "MiB/s", cost: "GiB"}
	r.name, r.text = label(secure, fmt.Sprintf("download-%d", sessions), "download %d MiB, %s", o.size/mib, sessionsText(sessions))
	l := load{workers: sessions, tls: secure, do: get(theBig, o.size), check: checkGet(theBig)}
	bare := load{workers: sessions, alone: true, do: ask(bareSend, o.size)}
	r.bare, r.goal = bareText[bareSend], goal{Ahead: 1, Cheaper: 1, Share: 0.9}
	if secure {
		bare.do = ask(bareSeal, 0)
		r.bare, r.goal = bareText[bareSeal], goal{Ahead: 1.1, Cheaper: 1, Share: 0.8}
	}
	r.gauge, r.machine = l.bytes(o.size), bare.bytes(o.size)
	return r
}

func upload(o options, sessions int, secure bool) row {
	r := row{unit: "MiB/s", cost: "GiB"}
	r.name, r.text = label(secure, fmt.Sprintf("upload-%d", sessions), "upload %d MiB, %s", o.size/mib, sessionsText(sessions))
	l := load{workers: sessions, tls: secure, do: putBig, check: checkPut(sendBig, bigName)}
	bare := load{workers: sessions, alone: true, do: askStore}
	r.bare, r.goal = bareText[bareStore], goal{Ahead: 1, Cheaper: 1}
	if secure {
		bare.do = ask(bareOpen, 0)
		r.bare, r.goal = bareText[bareOpen], goal{Ahead: 1.1, Cheaper: 1}
	}
	r.gauge, r.machine = l.bytes(o.size), bare.bytes(o.size)
	return r
}

// bytes says that an operation moves so many.
func (l load) bytes(size int64) *load {
	l.each, l.costs = float64(size)/mib, float64(size)/(1<<30)
	return &l
}

// single says that an operation is one of what is counted.
func (l load) single() *load {
	l.each, l.costs = 1, 1
	return &l
}

func smallGet(sessions int, secure bool) row {
	r := row{unit: "files/s", cost: "file"}
	r.name, r.text = label(secure, fmt.Sprintf("get-4k-%d", sessions), "get 4 KiB files, %s", sessionsText(sessions))
	r.gauge = load{workers: sessions, tls: secure, do: get(smallName, smallSize), check: checkGet(smallName)}.single()
	r.goal = smallGoal(secure)
	return r
}

func smallGoal(secure bool) goal {
	if secure {
		return goal{Ahead: 1.3, Cheaper: 1}
	}
	return goal{Ahead: 1, Cheaper: 1}
}

func smallPut(sessions int, secure bool) row {
	r := row{unit: "files/s", cost: "file"}
	r.name, r.text = label(secure, fmt.Sprintf("put-4k-%d", sessions), "put 4 KiB files, %s", sessionsText(sessions))
	r.gauge = load{workers: sessions, tls: secure, do: put(sendSmall), check: checkPut(sendSmall, smallName(0))}.single()
	r.goal = smallGoal(secure)
	return r
}

func listing(verb string, entries int, secure bool) row {
	r := row{unit: "entries/s", cost: "listing"}
	name := map[string]string{"LIST": "list", "MLSD": "mlsd"}[verb]
	r.name, r.text = label(secure, fmt.Sprintf("%s-%dk", name, entries/1000), "%s of %s entries", verb, grouped(entries))
	r.prepare = func(f *files) error { return f.folder(entries) }
	r.gauge = &load{workers: 1, tls: secure, do: list(verb, entries), check: checkList(verb, entries), each: float64(entries), costs: 1}
	r.machine, r.bare = &load{workers: 1, alone: true, do: askLook(entries), each: float64(entries), costs: 1}, bareText[bareLook]
	r.goal = goal{Ahead: 1.5}
	return r
}

func logins(workers int, secure bool) row {
	r := row{unit: "logins/s", cost: "login"}
	r.name, r.text = label(secure, "login", "logins, %d at once", workers)
	r.gauge = load{workers: workers, alone: true, do: enter(secure)}.single()
	r.goal = goal{Ahead: 1}
	return r
}

// slowLogins are by a password that is hashed as it should be: the hash is all there
// is to see.
func slowLogins(workers int) row {
	r := row{name: "login-argon2id", text: fmt.Sprintf("logins by argon2id, %d at once", workers), unit: "logins/s", cost: "login"}
	r.gauge = load{workers: workers, alone: true, do: enterSlowly}.single()
	// One after the other is the fastest that one core can hash.
	r.machine, r.bare = load{workers: 1, alone: true, do: ask(bareHash, 0)}.single(), bareText[bareHash]
	r.goal = goal{Ahead: 1, Share: 0.9}
	return r
}

// loopback is what TCP gets here from memory, in clear for comparison with sendfile,
// and sealed: a server that seals and sends on one core can't be faster.
func loopback(o options, what string) row {
	l := load{workers: 1, alone: true, do: ask(what, o.size)}
	r := row{name: "loopback", text: "loopback TCP from memory", unit: "MiB/s", cost: "GiB", machine: l.bytes(o.size), bare: bareText[what]}
	if what == bareSealed {
		r.name, r.text = "loopback-tls", "AES-GCM records by loopback TCP"
	}
	return r
}
