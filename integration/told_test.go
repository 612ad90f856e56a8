//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"natftpd/integration/lab"
)

// A client that asks how much of its upload is here must not take the old file for
// that.
func TestNobodyIsToldOneSizeAndSentAnother(t *testing.T) {
	s := configureLocal(t, "upload: atomic")
	s.start(t)
	s.write(t, oldFile, oldContent)
	whole := random(t, 1<<16)
	s.sendHalf(t, oldFile, whole).Close()
	c := s.login(t)
	lab.Await(t, answerWithin, func() error { return c.tells(oldFile, len(whole)/2) })
	if _, err := c.ask(229, "EPSV"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ask(450, "RETR "+oldFile); err != nil {
		t.Error(err)
	}
	if err := c.tells(oldFile, len(oldContent)); err != nil {
		t.Error(err)
	}
	if got, err := c.download(s, oldFile); err != nil || !bytes.Equal(got, oldContent) {
		t.Errorf("RETR after its refusal: got %d bytes (%v), want the %d old ones", len(got), err, len(oldContent))
	}
}

// tells compares what SIZE says.
func (s *session) tells(file string, want int) error {
	got, err := s.ask(213, "SIZE "+file)
	if err == nil && got != strconv.Itoa(want) {
		err = fmt.Errorf("SIZE %s: got %s, want %d", file, got, want)
	}
	return err
}
