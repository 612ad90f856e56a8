package cmd

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A service that takes connections and says nothing is not alive.
func TestTheWatchdogHearsOnlyOfAServiceThatAnswers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd is Linux's")
	}
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "300000")
	service, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	const silent = 3
	go func() {
		for n := 0; ; n++ {
			conn, err := service.Accept()
			if err != nil {
				return
			}
			if n >= silent {
				conn.Write([]byte("421 Too many sessions.\r\n"))
			}
			defer conn.Close()
		}
	}()
	var log strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s := supervisor{slog.New(slog.NewTextHandler(&log, nil))}
		s.watchdog(ctx, func() netip.AddrPort { return service.Addr().(*net.TCPAddr).AddrPort() })
	}()
	socket.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 100)
	n, err := socket.Read(buf)
	cancel()
	<-ended
	if err != nil || string(buf[:n]) != "WATCHDOG=1" {
		t.Errorf("told %q, %v", buf[:n], err)
	}
	if got := strings.Count(log.String(), "does not answer"); got != silent {
		t.Errorf("%d times not alive, want %d:\n%s", got, silent, &log)
	}
}
