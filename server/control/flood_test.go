package control_test

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"natftpd/server/control"
)

// Too much, too slow, or never ending.

func TestDrippingBytesDoNotKeepASessionAlive(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.IdleTimeout = 300 * time.Millisecond })
	c := s.login()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	stop := time.After(patience)
	for {
		select {
		case <-stop:
			t.Fatal("one byte now and then holds the session")
		case <-ticker.C:
		}
		if _, err := io.WriteString(c.conn, "N"); err != nil || s.sess.Len() == 0 {
			break
		}
	}
	c.expect("421")
}

func TestALongLineIsRefusedAndTheNextIsHeard(t *testing.T) {
	c := serve(t, nil).login()
	c.send(strings.Repeat("A", 20<<10) + "\r\nNOOP\r\n")
	c.expect("500")
	c.expect("200")
}

func TestAnEndlessLineIsCut(t *testing.T) {
	s := serve(t, nil)
	other := s.login()
	c := s.login()
	io.Copy(c.conn, io.LimitReader(iotest.OneByteReader(endless{}), 1<<20)) // until the server hangs up
	c.ended()
	other.cmd("NOOP", "200")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

func TestPipelinedCommandsAreAnsweredInOrder(t *testing.T) {
	c := serve(t, nil).login()
	const n = 2000
	go io.WriteString(c.conn, strings.Repeat("NOOP\r\nPWD\r\n", n))
	for range n {
		c.expect("200")
		c.expect("257")
	}
}

func TestSessionsAreLimited(t *testing.T) {
	s := serve(t, nil)
	var all []*client
	for range 20 { // the limit for one address
		all = append(all, s.connect())
	}
	if got := readAll(t, s.raw("127.0.0.1")); !strings.HasPrefix(got, "421 ") {
		t.Errorf("one too many got %q", got)
	}
	s.greeted(s.raw("127.0.0.5"))
	all[0].cmd("QUIT", "221")
	all[0].ended()
}

func TestADataConnectionThatNobodyOpensIsGivenUp(t *testing.T) {
	var outcomes []control.Outcome
	s := serve(t, func(cfg *control.Config) {
		cfg.DataTimeout = 50 * time.Millisecond
		cfg.Awaited = func(o control.Outcome) { outcomes = append(outcomes, o) }
	})
	s.write("f", nil)
	c := s.login()
	addr := netip.MustParseAddrPort(pasvAddr(t, c.cmd("PASV", "227")))
	got := c.cmd("RETR f", "425")
	if want := fmt.Sprintf("passive port %d: waited 50ms", addr.Port()); !strings.Contains(got, want) {
		t.Errorf("%q does not say %q", got, want)
	}
	if !strings.Contains(s.log.String(), fmt.Sprintf("advertised=%s", addr)) {
		t.Errorf("the log does not name what was advertised:\n%s", s.log)
	}
	if got := c.download("RETR f", c.pasv()); got != "" {
		t.Errorf("got %q", got)
	}
	if len(outcomes) != 2 || outcomes[0].Arrived || !outcomes[1].Arrived || outcomes[0].Told != addr {
		t.Errorf("the outcomes told are %+v; want the first not arrived, the second arrived", outcomes)
	}
}

func TestAStalledTransferIsGivenUp(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = 100 * time.Millisecond })
	c := s.login()
	c.pasv()
	c.cmd("STOR f", "150") // and nothing comes
	if got := c.expect("426"); !strings.Contains(got, "stands still") {
		t.Errorf("got %q", got)
	}
	c.cmd("NOOP", "200")
}

func TestTenThousandPipelinedCommandsAreAnswered(t *testing.T) {
	s := serve(t, nil)
	other, c := s.login(), s.login()
	const n = 10_000
	go io.WriteString(c.conn, strings.Repeat("NOOP\r\n", n))
	for i := range n {
		c.expect("200")
		if i == n/2 {
			other.cmd("NOOP", "200")
		}
	}
}

func TestAClientThatReadsNoRepliesIsCut(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.Patience.Reply = 100 * time.Millisecond })
	other, c := s.login(), s.login()
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.Copy(c.conn, iotest.TimeoutReader(lines("HELP\r\n"))); err == nil {
		t.Error("it could go on for ever")
	}
	other.cmd("NOOP", "200")
}

// lines brings the same line for ever.
type lines string

func (l lines) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat(string(l), len(p)/len(l))), nil
}

func TestWhoDoesNotLogInIsSentAway(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.Patience.Login = 50 * time.Millisecond })
	c := s.connect()
	c.expect("421 No login within 50ms")
	c.ended()
	s.emptied()
}

func TestREINGivesAStrangerNoMoreTime(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.Patience.Login = 50 * time.Millisecond })
	c := s.connect()
	for end := time.Now().Add(time.Second); s.sess.Len() > 0; {
		if time.Now().After(end) {
			t.Fatal("REIN holds the session")
		}
		io.WriteString(c.conn, "REIN\r\n")
		c.r.ReadString('\n')
	}
}

func TestPassivePortsOfOneClientStayFreeForOthers(t *testing.T) {
	s := serve(t, nil)
	for range len(s.ports) {
		s.login().cmd("PASV", "227")
	}
	c := s.login()
	c.cmd("PASV", "425 Every passive port awaits an earlier connection of yours.")
	other := s.greeted(s.raw("127.0.0.2"))
	other.cmd("USER alice", "331")
	other.cmd("PASS secret", "230")
	for range 1000 { // and one client asks as often as it likes
		other.cmd("PASV", "227")
	}
	other.pasv()
}

func TestAnIdleDataConnectionEndsWithItsSession(t *testing.T) {
	s := serve(t, nil)
	c := s.login()
	d := c.pasv()
	c.cmd("QUIT", "221")
	c.ended()
	if got := readAll(t, d); got != "" {
		t.Errorf("got %q", got)
	}
	s.emptied()
}
