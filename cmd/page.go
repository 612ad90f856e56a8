package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"natftpd/conf"
	"natftpd/driver"
	"natftpd/server/status"
)

// page is the status page while the server runs. What is wrong with it never
// stops the FTP service.
type page struct {
	server    *status.Server
	listeners []net.Listener
	log       *slog.Logger
}

// pageOf opens the status page where the configuration says, and the Unix socket
// in stateDir for the command status. Its error: there can be no server.
func (p *program) pageOf(c conf.Status, cfg status.Config, stateDir string) (*page, error) {
	out := &page{log: cfg.Log}
	cfg.Version = version()
	cfg.Doctor = p.doctorReport
	cfg.Hosts = hostNames()
	if c.Password != "" {
		lock, err := driver.NewLock(c.Password)
		if err != nil {
			return nil, err
		}
		cfg.Lock = lock
	}
	var err error
	if out.server, err = status.New(cfg); err != nil {
		return nil, err
	}
	local, err := status.ListenLocal(stateDir)
	if errors.Is(err, status.ErrStateInUse) {
		return nil, fmt.Errorf("%w; end that process, or give this one another state_dir", err)
	}
	out.add(local, err)
	if c.Listen != "" {
		out.add(status.Listen(c.Listen))
	}
	return out, nil
}

func (p *page) add(l net.Listener, err error) {
	if err != nil {
		p.log.Warn("status page", "error", err)
		return
	}
	p.listeners = append(p.listeners, l)
}

// url is what a browser is pointed at; "": there is no page.
func (p *page) url() string {
	for _, l := range p.listeners {
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			addr := a.AddrPort()
			return "http://" + net.JoinHostPort(here(addr.Addr()).String(), strconv.Itoa(int(addr.Port()))) + "/"
		}
	}
	return ""
}

// run serves the page until ctx ends.
func (p *page) run(ctx context.Context) {
	if err := p.server.Run(ctx, p.listeners...); err != nil {
		p.log.Error("the status page is not served any more; restart natftpd", "error", err)
	}
}

// doctorReport is what the command doctor prints.
func (p *program) doctorReport(ctx context.Context) (string, error) {
	r, err := p.examine(ctx)
	if err != nil {
		return "", err
	}
	return r.text(), nil
}

// hostNames are this host's own, as neighbours call it.
func hostNames() []string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return nil
	}
	name = strings.ToLower(name)
	short, _, _ := strings.Cut(name, ".")
	return []string{name, short, short + ".local"} // multicast DNS (RFC 6762)
}
