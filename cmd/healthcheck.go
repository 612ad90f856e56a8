package cmd

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// healthTimeout is how long the server may take to greet.
const healthTimeout = 3 * time.Second

// healthcheck dials the control port that the configuration names, as a
// container's health check does, and expects a greeting.
func (p *program) healthcheck(ctx context.Context) error {
	loaded, err := p.load()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(loaded.FTP.Listen)
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "localhost"
	}
	addr := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("no server answers at %s: %w; start it with natftpd serve", addr, err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(healthTimeout))
	greeting, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(greeting, "220 ") {
		return fmt.Errorf("the server at %s says %q instead of a greeting", addr, greeting)
	}
	fmt.Fprint(conn, "QUIT\r\n")
	fmt.Fprintf(p.out, "%s: serving\n", addr)
	return nil
}
