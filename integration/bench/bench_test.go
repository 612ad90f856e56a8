//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestRepliesOfSeveralLines(t *testing.T) {
	for _, c := range []struct {
		name, text string
		code       int
		last       string
		bad        bool
	}{
		{"one line", "200 Fine.\r\n", 200, "200 Fine.", false},
		{"the last line of several", "230-Welcome\r\n to us\r\n230-dear\r\n230 Go on.\r\n", 230, "230 Go on.", false},
		{"another code inside is text", "230-Welcome\r\n331 is no end\r\n230 Go on.\r\n", 230, "230 Go on.", false},
		{"another code than wanted", "530 No.\r\n", 230, "", true},
		{"cut off", "230-Welcome\r\n", 230, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &session{in: bufio.NewReader(strings.NewReader(c.text))}
			last, err := s.reply(c.code)
			if last != c.last || (err != nil) != c.bad {
				t.Errorf("got %q, %v", last, err)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 2, 9}, 3},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v: got %v, want %v", c.values, got, c.want)
		}
	}
}

// rounds are samples of values.
func rounds(values ...float64) []sample {
	var all []sample
	for _, v := range values {
		all = append(all, sample{Value: v, ServerCPU: 1000 / v})
	}
	return all
}

func compared(less bool) result {
	r := result{Name: "get-4k-64-tls", Text: "get <4 KiB>", Unit: "files/s", Less: less, Scores: []score{
		{Server: self, Rounds: rounds(100, 200, 50)},
		{Server: "vsftpd", Rounds: rounds(50, 100, 100)},
		{Server: "proftpd", Failed: "needs root"},
		{Server: machineName, Rounds: rounds(1000, 1000, 1000)},
	}}
	r.sum()
	return r
}

func TestARoundThatWasInterruptedHasNoRatio(t *testing.T) {
	r := result{Scores: []score{
		{Server: self, Rounds: rounds(100)},
		{Server: "vsftpd", Rounds: rounds(50, 300)},
	}}
	r.sum()
	if got := r.Scores[1].Ratio; got != 0.5 {
		t.Errorf("got %v, want 0.5: the ratio of the round that both were measured in", got)
	}
}

func TestRatiosAreThoseOfTheSameRound(t *testing.T) {
	for _, c := range []struct {
		name string
		less bool
		want float64
	}{
		{"where more is better", false, 0.5},
		{"where less is better", true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := compared(c.less)
			if got := r.of("vsftpd").Ratio; got != c.want {
				t.Errorf("ratio of vsftpd: got %v, want %v", got, c.want)
			}
			if got, want := r.ahead(), 1/c.want; got != want {
				t.Errorf("natftpd ahead: got %v, want %v", got, want)
			}
		})
	}
}

func TestTheTableFitsAScreen(t *testing.T) {
	var text bytes.Buffer
	r := compared(false)
	r.Scores[0].Median.Foreign = 0.5
	r.print(&text)
	summary(&text, []result{r}, append(peerNames(), machineName))
	for line := range strings.Lines(text.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestEveryRowHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows(options{size: mib}) {
		if r.gauge == nil && r.machine == nil {
			t.Errorf("%s measures nothing", r.name)
		}
		if seen[r.name] {
			t.Errorf("two rows are called %s", r.name)
		}
		seen[r.name] = true
	}
}

func TestQuickSetsOnlyWhatIsNotSaid(t *testing.T) {
	o, err := parseOptions([]string{"-quick", "-rounds", "7"})
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 7 || o.size != 64*mib || !o.rows.MatchString("get-4k-8-tls") || o.rows.MatchString("get-4k-64") {
		t.Errorf("got %+v", o)
	}
}

func TestRecordsAreDiscardedUntilTheServerSaysGoodbye(t *testing.T) {
	const size = 3*mib + 5
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "certificate"), filepath.Join(dir, "key")
	if err := writeCertificate(certificate, key); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan error, 1)
	go func() { heard <- sendAndAwaitGoodbye(l, size) }()

	tcp, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	c, err := channel{tcp: tcp.(*net.TCPConn)}.secure(t.Context(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.discardRecords(size)
	if err != nil || got < size || got > size+size/100 {
		t.Errorf("discarded %d bytes, %v; want %d and the session tickets", got, err, size)
	}
	if err := <-heard; !errors.Is(err, io.EOF) {
		t.Errorf("the server heard %v, want our close_notify", err)
	}
}

// sendAndAwaitGoodbye sends so many bytes and close_notify, and returns what comes
// back: io.EOF is the client's.
func sendAndAwaitGoodbye(l net.Listener, size int) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(make([]byte, size)); err != nil {
		return err
	}
	if err := conn.(*tls.Conn).CloseWrite(); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

func TestThePictureIsXML(t *testing.T) {
	var picture bytes.Buffer
	draw(&picture, []result{compared(false)}, peerNames())
	d, marks := xml.NewDecoder(&picture), 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			marks++
		}
	}
	// vsftpd and the machine, in the legend and in the row.
	if want := 2 * 2; marks != want {
		t.Errorf("marks: got %d, want %d", marks, want)
	}
}
