package cmd

import (
	"fmt"
	"slices"
	"time"

	"natftpd/server/status"
)

// latestEvents is how many of the latest events fit under the rest.
const latestEvents = 8

// overview is a Snapshot for a person at a terminal.
func overview(snap *status.Snapshot) string {
	var s screen
	verdict := snap.Verdict
	if snap.Address != "" {
		verdict += ": friends dial " + snap.Address
	}
	s.paragraph("", verdict)
	if snap.Advice != "" {
		s.paragraph("next step: ", snap.Advice)
	}
	s.line("")
	for _, hop := range snap.Path {
		s.hop(hop.Name, join(", ", append([]string{hop.Label}, hop.Facts...)...))
	}
	s.line("")
	s.fact("ports", fmt.Sprintf("passive %d-%d: %s", snap.Passive.First, snap.Passive.Last, snap.Passive.Tally()))
	now := snap.Throughput
	if n := len(now.Sent); n > 0 && len(now.Received) == n {
		s.fact("moves", fmt.Sprintf("%s/s sent, %s/s received; %s and %s since %s",
			status.Bytes(now.Sent[n-1]), status.Bytes(now.Received[n-1]),
			status.Bytes(snap.Totals.Sent), status.Bytes(snap.Totals.Received), moment(snap.Started)))
	}
	sessions(&s, snap)
	for _, b := range snap.Bans {
		s.fact("banned", fmt.Sprintf("%s until %s", b.Clients, moment(b.Until)))
	}
	if len(snap.Events) > 0 {
		s.line("")
	}
	for _, e := range snap.Events[:min(latestEvents, len(snap.Events))] {
		s.paragraph(fmt.Sprintf("  %s  ", moment(e.Time)), event(e))
	}
	return s.String()
}

// sessions lists who is there, and what each moves.
func sessions(s *screen, snap *status.Snapshot) {
	s.fact("sessions", fmt.Sprint(len(snap.Sessions)))
	for _, one := range snap.Sessions {
		user := status.Visible(one.User)
		if user == "" {
			user = "(not logged in)"
		}
		text := fmt.Sprintf("%s from %s since %s", user, one.Client, moment(one.Since))
		i := slices.IndexFunc(snap.Transfers, func(t status.Transfer) bool { return t.Session == one.ID })
		if i >= 0 {
			text = join(": ", text, transfer(snap.Transfers[i]))
		}
		s.fact("", text)
	}
}

func transfer(t status.Transfer) string {
	moved := status.Bytes(t.Offset + t.Bytes)
	if t.Size >= 0 {
		moved += " of " + status.Bytes(t.Size)
	}
	return join(", ", fmt.Sprintf("%s of %s", t.Direction, status.Visible(t.Path)), moved,
		status.Bytes(t.BytesPerSecond)+"/s", status.Left(t.SecondsLeft))
}

func event(e status.Event) string {
	text := status.Visible(e.Message)
	if e.Times > 1 {
		text += fmt.Sprintf(" (%d times)", e.Times)
	}
	for _, f := range e.Facts {
		text += fmt.Sprintf(" %s=%s", f.Name, status.Visible(f.Value))
	}
	return text
}

// moment is a time as a person here says it.
func moment(t time.Time) string { return t.Local().Format("02 Jan 15:04:05") }
