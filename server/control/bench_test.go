package control_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"natftpd/driver"
	"natftpd/server/control"
)

// What a command costs, there and back over loopback.
func BenchmarkCommand(b *testing.B) {
	s := serve(b, func(cfg *control.Config) { cfg.Log = slog.New(slog.DiscardHandler) })
	for name, batch := range map[string]string{
		"NOOP, answered by the front":   "NOOP\r\n",
		"PWD, answered by the library":  "PWD\r\n",
		"SIZE, which looks at the disk": "SIZE /\r\n",
		"PASV":                          "PASV\r\n",
		"a hundred NOOPs at once":       strings.Repeat("NOOP\r\n", 100),
	} {
		b.Run(name, func(b *testing.B) {
			s.t = b
			c := s.login()
			defer c.conn.Close()
			answers := strings.Count(batch, "\n")
			b.ReportAllocs()
			for b.Loop() {
				c.send(batch)
				for range answers {
					if _, err := c.r.ReadSlice('\n'); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// What it costs to refuse one of a flood.
func BenchmarkRefusedConnection(b *testing.B) {
	s := serve(b, func(cfg *control.Config) { cfg.Log = slog.New(slog.DiscardHandler) })
	s.sess.SetLimits(driver.Limits{NewPerSecond: 1})
	b.ReportAllocs()
	for b.Loop() {
		conn := s.raw("127.0.0.1")
		conn.Read(make([]byte, 256))
		conn.Close()
	}
}

// What it costs to come, log in and leave.
func BenchmarkSession(b *testing.B) {
	s := serve(b, func(cfg *control.Config) { cfg.Log = slog.New(slog.DiscardHandler) })
	b.ReportAllocs()
	for b.Loop() {
		c := s.login()
		c.cmd("QUIT", "221")
		c.conn.Close()
	}
}

// What a small file costs, there and back over loopback.
func BenchmarkSmallFile(b *testing.B) {
	s := serve(b, func(cfg *control.Config) { cfg.Log = slog.New(slog.DiscardHandler) })
	content := make([]byte, 4<<10)
	s.write("small", content)
	for name, command := range map[string]string{"download": "RETR small", "upload": "STOR sent"} {
		b.Run(name, func(b *testing.B) {
			s.t = b
			c := s.login()
			defer c.conn.Close()
			c.cmd("TYPE I", "200")
			b.ReportAllocs()
			for b.Loop() {
				conn := c.epsv()
				c.cmd(command, "150")
				if name == "upload" {
					conn.Write(content)
				} else {
					io.Copy(io.Discard, conn)
				}
				conn.Close()
				c.expect("226")
			}
		})
	}
}
