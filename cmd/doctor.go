package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"natftpd/natdiscovery"
	"natftpd/server/status"
)

// errUnreachable makes exit code 4; the report has said why.
var errUnreachable = errors.New("not reachable from outside")

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "doctor", Short: "Look at the network as it is: verdict, evidence, next step", Args: noArgs,
		Long: `Look at the network as it is: the verdict and the next step first, then the path
from a client to this host, then the evidence. It works beside a running server and
without one, and leaves the router as it found it. Beside one, run it as the user that
runs the server: it asks that server what it has seen, and a router for its ports by
PCP or NAT-PMP by its journal.

The exit code is 4 when nobody outside can reach the server.`,
		RunE: func(c *cobra.Command, _ []string) error { return p.doctor(c.Context(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}

func (p *program) doctor(ctx context.Context, asJSON bool) error {
	// What was opened for a try is closed first.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // from here on a signal does what it does by default
	r, err := p.examine(ctx)
	switch {
	case ctx.Err() != nil:
		return errors.New("doctor was interrupted before it had seen all")
	case err != nil:
		return err
	}
	if asJSON {
		err = writeJSON(p.out, r)
	} else {
		_, err = io.WriteString(p.out, r.text())
	}
	if err == nil && !r.Reachable {
		err = errUnreachable
	}
	return err
}

// examine looks at the network once, as the configuration on the disk has it.
func (p *program) examine(ctx context.Context) (report, error) {
	loaded, err := p.load()
	if err != nil {
		return report{}, err
	}
	listening, err := listenAddr(loaded.FTP.Listen)
	if err != nil {
		return report{}, err
	}
	var implicit netip.AddrPort
	if loaded.FTP.ListenTLS != "" {
		if implicit, err = listenAddr(loaded.FTP.ListenTLS); err != nil {
			return report{}, err
		}
	}
	cfg := discoveryOf(loaded.Config, listening, implicit, slog.New(slog.DiscardHandler))
	if cfg.StateDir, _, err = loaded.StateFolder(); err != nil {
		return report{}, invalidError{err}
	}
	_, err = greets(ctx, loaded.FTP.Listen)
	serving := !errors.Is(err, errNobody)
	look := natdiscovery.Once(ctx, cfg, serving || inUse(ctx, cfg.StateDir))
	r := newReport(look, cfg, serving)
	if known, err := snapshot(ctx, loaded); err == nil {
		r.hear(known)
	}
	return r, nil
}

// inUse tells whether a server runs with stateDir, wherever that listens: the file may
// say something else by now. What it has opened on the router is not to be tried.
func inUse(ctx context.Context, stateDir string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(stateDir, status.SocketName))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// listenAddr is where the server listens, by the configuration alone: the value of
// ftp.listen or ftp.listen_tls.
func listenAddr(listen string) (netip.AddrPort, error) {
	host, port, err := splitListen(listen)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr := netip.IPv6Unspecified()
	if a, err := netip.ParseAddr(host); err == nil {
		addr = a
	} else if host == "localhost" {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(addr, uint16(n)), nil
}
