package cmd

import (
	"bufio"
	"context"
	"errors"
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
	addr, err := greets(ctx, loaded.FTP.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: serving\n", addr)
	return nil
}

// errNobody: nothing listens where the server would. One that is full, or has banned
// this host, listens and does not greet.
var errNobody = errors.New("no server answers")

// greets dials a server on this host by the address that it listens on, and
// returns the address dialled and whether it greeted. One that has no place for
// another client (RFC 959, section 5.4) serves those who came before.
func greets(ctx context.Context, listen string) (string, error) {
	host, port, err := splitListen(listen)
	if err != nil {
		return "", err
	}
	if host == "" {
		host = "localhost"
	}
	addr := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return addr, fmt.Errorf("%w at %s: %w; start it with natftpd serve", errNobody, addr, err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(healthTimeout))
	greeting, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(greeting, "220 ") && !strings.HasPrefix(greeting, "421 ") {
		return addr, fmt.Errorf("the server at %s says %q instead of a greeting", addr, greeting)
	}
	fmt.Fprint(conn, "QUIT\r\n")
	return addr, nil
}

// splitListen takes ftp.listen apart. An empty host is every address.
func splitListen(listen string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(listen)
	if addr, errParse := netip.ParseAddr(host); errParse == nil && addr.IsUnspecified() {
		host = ""
	}
	return host, port, err
}
