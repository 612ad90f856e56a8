package control_test

import (
	"crypto/tls"
	"runtime"
	"strings"
	"testing"
)

func TestAnUploadOfAClientThatWasKilledIsNotWhole(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells how the control connection is")
	}
	s := serve(t, nil)
	for range 20 { // the two ends come in any order
		c := s.login()
		d := c.epsv()
		c.cmd("STOR f", "150")
		d.Write([]byte("half a fi"))
		c.conn.Close()
		d.Close()
		s.emptied()
	}
	if log := s.log.String(); strings.Contains(log, "transfer complete") || strings.Count(log, "transfer failed") != 20 {
		t.Errorf("half a file passed for a whole one:\n%s", log)
	}
}

func TestAClientThatSaysGoodbyeBeforeTheReplyHasSentAWholeFile(t *testing.T) {
	s := serve(t, nil)
	c := s.login()
	d := c.epsv()
	c.cmd("STOR f", "150")
	d.Write([]byte("all of it"))
	d.Close()
	c.send("QUIT\r\n")
	c.expect("226")
	c.expect("221")
}

func TestALLOMakesAnUploadWithoutCloseNotifyWhole(t *testing.T) {
	for announced, want := range map[string]string{"ALLO 9": "226", "ALLO 10": "426", "NOOP": "426"} {
		t.Run(announced, func(t *testing.T) {
			c := serve(t, nil).loginTLS()
			c.cmd("TYPE I", "200")
			c.cmd(announced, "200")
			d := c.open().(*tls.Conn)
			c.cmd("STOR f", "150")
			if err := d.Handshake(); err != nil {
				t.Fatal(err)
			}
			d.Write([]byte("all of it"))
			d.NetConn().Close() // a bare FIN
			c.expect(want)
		})
	}
}
