package stun

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/pion/stun/v3"
)

// waits are the pauses after each request, in RTOs: they double (RFC 8489, section
// 6.2.1), but end far before the RFC's 39.5 s, because three servers are asked and
// a stale address is worse than one that is not confirmed.
var waits = [...]time.Duration{1, 2, 3}

// timeoutRTOs is the sum of waits: a whole exchange, in RTOs.
const timeoutRTOs = 6

const (
	// maxResponse is more than any answer needs that was not fragmented.
	maxResponse = 1500
	// maxDatagrams bounds the work that strangers can cause by sending to our
	// socket. Within it, a flood does not keep the answer from us.
	maxDatagrams = 256
)

// errSilent ends an exchange that nobody answered.
var errSilent = errors.New("no answer")

// exchange sends request to the server at to, again when it is not answered, and
// returns the response. It believes that very server only. conn is closed when ctx
// ends; until then it can carry one exchange after the other.
func exchange(ctx context.Context, conn *net.UDPConn, to netip.AddrPort, request *stun.Message, rto time.Duration) (*stun.Message, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	t := transaction{conn: conn, server: to, request: request, budget: maxDatagrams}
	var lastSend error
	for _, wait := range waits {
		// A request that can't be sent is a lost one: the route may be back
		// for the next.
		if _, err := conn.WriteToUDPAddrPort(request.Raw, to); !errors.Is(err, net.ErrClosed) {
			lastSend = err
		}
		response, err := t.receive(time.Now().Add(wait * rto))
		switch {
		case err == nil:
			return response, nil
		case errors.Is(ctx.Err(), context.Canceled):
			return nil, ctx.Err()
		case ctx.Err() != nil:
			return nil, noAnswer(to, lastSend)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		}
	}
	return nil, noAnswer(to, lastSend)
}

// noAnswer says that the server at to is silent, or that it could not be asked.
func noAnswer(to netip.AddrPort, sending error) error {
	if sending != nil {
		return sending
	}
	return fmt.Errorf("%w from %v", errSilent, to)
}

// transaction is a request that waits for its response.
type transaction struct {
	conn    *net.UDPConn
	server  netip.AddrPort
	request *stun.Message
	// budget is how many datagrams will still be looked at.
	budget int
}

// receive waits for the response. Whatever else arrives is dropped unseen.
func (t *transaction) receive(deadline time.Time) (*stun.Message, error) {
	if err := t.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	// One byte more tells a datagram that is too long from one that fits.
	buf := make([]byte, maxResponse+1)
	for ; t.budget > 0; t.budget-- {
		n, from, err := t.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		// Other errors are about one datagram: Windows reports those that
		// are too long, and a closed port at the other end, in this way.
		if err != nil || n > maxResponse || from.Port() != t.server.Port() || from.Addr().Unmap() != t.server.Addr() {
			continue
		}
		if response, ok := parseResponse(buf[:n], t.request); ok {
			return response, nil
		}
	}
	return nil, fmt.Errorf("more than %d datagrams, none of them the answer of %v", maxDatagrams, t.server)
}
