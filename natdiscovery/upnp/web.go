package upnp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// maxAnswer is the longest answer read, header and all. Descriptions of real
// routers have 3 to 20 KiB.
const maxAnswer = 64 << 10

// userAgent is neutral: miniupnpd treats those of known systems specially.
const userAgent = "natftpd UPnP/1.1"

// web sends requests to the gateway, each on a connection of its own. It is so
// much smaller than net/http's client because it must do less: no proxy, no
// redirects, no connections or goroutines that stay.
type web struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration // of one request
}

// newWeb sends from local; the zero Addr: the system chooses.
func newWeb(local netip.Addr, timeout time.Duration) *web {
	dialer := &net.Dialer{Control: reuse}
	if local.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return &web{dial: dialer.DialContext, timeout: timeout}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte     // as tidy made it
	local  netip.Addr // our own address on the connection
}

// exchange sends a request and reads the whole answer. Its errors wrap
// gateway.ErrGone when nobody answers, gateway.ErrProtocol when the answer is no
// HTTP or too long, and the context's error when that has ended.
func (w *web) exchange(req *http.Request) (answer, error) {
	ctx, cancel := context.WithTimeout(req.Context(), w.timeout)
	defer cancel()
	a, err := w.try(ctx, req)
	switch {
	case err == nil:
		return a, nil
	case errors.Is(req.Context().Err(), context.Canceled):
		return answer{}, req.Context().Err()
	case ctx.Err() != nil:
		return answer{}, fmt.Errorf("%w: no answer in time: %w", gateway.ErrGone, ctx.Err())
	}
	return answer{}, err
}

func (w *web) try(ctx context.Context, req *http.Request) (answer, error) {
	conn, err := w.dial(ctx, "tcp", req.URL.Host)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", gateway.ErrGone, err)
	}
	defer func() { _ = conn.Close() }() // everything was read, or nothing matters
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	req.Close = true
	req.Header.Set("User-Agent", userAgent)
	out := bufio.NewWriter(conn) // some routers read one segment and no more
	if err := errors.Join(req.Write(out), out.Flush()); err != nil {
		return answer{}, fmt.Errorf("%w: %w", gateway.ErrGone, err)
	}
	a, err := readAnswer(conn, req)
	a.local = conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	return a, err
}

func readAnswer(conn io.Reader, req *http.Request) (answer, error) {
	limited := &io.LimitedReader{R: conn, N: maxAnswer}
	resp, err := http.ReadResponse(bufio.NewReader(limited), req)
	if err != nil {
		return answer{}, readError(err, limited)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || limited.N == 0 {
		return answer{}, readError(err, limited)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: tidy(body)}, nil
}

// readError tells an answer that makes no sense from one that broke off.
func readError(err error, limited *io.LimitedReader) error {
	var broken *net.OpError
	switch {
	case limited.N == 0:
		return fmt.Errorf("%w: longer than %d bytes", gateway.ErrProtocol, maxAnswer)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &broken):
		return fmt.Errorf("%w: the answer broke off: %w", gateway.ErrGone, err)
	}
	return fmt.Errorf("%w: %s", gateway.ErrProtocol, printable(err.Error()))
}
