package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"natftpd/conf"
	"natftpd/server/status"
)

const (
	// askTimeout is how long the running server may take to answer, maxAnswer how
	// much it may say: some thousand sessions.
	askTimeout = 5 * time.Second
	maxAnswer  = 8 << 20
	// watchPause is how often status --watch asks.
	watchPause = time.Second
	// clearScreen puts the cursor home and clears the screen (ECMA-48).
	clearScreen = "\x1b[H\x1b[J"
)

func (p *program) statusCommand() *cobra.Command {
	var asJSON, watch bool
	c := &cobra.Command{
		Use: "status", Short: "Show what the running server knows: verdict, sessions, transfers, ports", Args: noArgs,
		Long: `Show what the running server knows, as its status page does. It asks the server by
the Unix socket in state_dir, or else by status.listen where that wants no password,
so run it as the user that runs the server.`,
		RunE: func(c *cobra.Command, _ []string) error { return p.status(c.Context(), asJSON, watch) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print what /api/status answers")
	c.Flags().BoolVar(&watch, "watch", false, "print it again each second")
	return c
}

func (p *program) status(ctx context.Context, asJSON, watch bool) error {
	loaded, err := p.load()
	if err != nil {
		return err
	}
	client, err := clientOf(loaded)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	for {
		answer, err := ask(ctx, client)
		if err != nil {
			return err
		}
		if err := p.tell(answer, asJSON, watch); err != nil || !watch {
			return err
		}
		select {
		case <-time.After(watchPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// clientOf reaches the running server, whatever host a request names.
func clientOf(loaded *conf.Loaded) (*http.Client, error) {
	stateDir, _, err := loaded.StateFolder()
	if err != nil {
		return nil, invalidError{err}
	}
	socket := filepath.Join(stateDir, status.SocketName)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", socket)
		if err == nil || loaded.Status.Listen == "" || loaded.Status.Password != "" {
			return conn, err
		}
		if conn, errTCP := d.DialContext(ctx, "tcp", loaded.Status.Listen); errTCP == nil {
			return conn, nil
		}
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: askTimeout}, nil
}

// snapshot is what the running server knows.
func snapshot(ctx context.Context, loaded *conf.Loaded) (*status.Snapshot, error) {
	client, err := clientOf(loaded)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	answer, err := ask(ctx, client)
	if err != nil {
		return nil, err
	}
	return understood(answer)
}

// understood is a Snapshot of the JSON that a server answers.
func understood(answer []byte) (*status.Snapshot, error) {
	var snap status.Snapshot
	if err := json.Unmarshal(answer, &snap); err != nil {
		return nil, fmt.Errorf("the running server's answer is not understood: %w; is it of the same version?", err)
	}
	return &snap, nil
}

// ask gets the running server's Snapshot as JSON.
func ask(ctx context.Context, client *http.Client) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/status", nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, noServer(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", response.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the running server: %w; its log says more", err)
	}
	return answer, nil
}

// noServer says why nobody answers, and what to do.
func noServer(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		if errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("%s is not yours: run natftpd status as the user that runs the server", op.Addr)
		}
		return fmt.Errorf("no server answers at %s (%w); start it with natftpd serve, with the same configuration", op.Addr, op.Err)
	}
	return fmt.Errorf("no server answers: %w; start it with natftpd serve", err)
}

// tell prints an answer.
func (p *program) tell(answer []byte, asJSON, watch bool) error {
	if asJSON {
		_, err := p.out.Write(answer)
		return err
	}
	snap, err := understood(answer)
	if err != nil {
		return err
	}
	text := overview(snap)
	if watch && onTerminal(p.out) {
		text = clearScreen + text
	}
	_, err = io.WriteString(p.out, text)
	return err
}

// onTerminal tells whether a person reads it as it comes.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
