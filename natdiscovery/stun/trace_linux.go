package stun

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/pion/stun/v3"
	"golang.org/x/sys/unix"
)

// hopConn is a socket whose packets go so many hops and no farther. The kernel keeps
// the ICMP errors about them, and about no others, in the socket's error queue
// (IP_RECVERR in ip(7)).
type hopConn struct {
	*net.UDPConn
	raw syscall.RawConn
}

func dialHop(server netip.AddrPort, ttl int) (hopConn, error) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return hopConn{}, err
	}
	c := hopConn{UDPConn: conn}
	if c.raw, err = conn.SyscallConn(); err == nil {
		var failure error
		err = c.raw.Control(func(fd uintptr) {
			failure = cmp.Or(
				os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)),
				os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, ttl)))
		})
		err = cmp.Or(err, failure)
	}
	if err != nil {
		conn.Close()
		return hopConn{}, fmt.Errorf("limit packets to %d hops: %w", ttl, err)
	}
	return c, nil
}

// hear waits for word of the request: that of the router which stopped it, or the
// server's answer. Other errors, such as the word that the server's host is not there,
// tell nothing of the hop.
func (c hopConn) hear(request *stun.Message) (h hop, heard bool) {
	budget := maxDatagrams
	// The error is the deadline, or the end.
	_ = c.raw.Read(func(fd uintptr) bool {
		for ; budget > 0 && !heard; budget-- {
			var none bool
			if h, heard, none = hearNow(int(fd), request); none {
				return false // and wait
			}
		}
		return true
	})
	return h, heard
}

// hearNow reads one message from the socket's error queue, else one datagram. none
// says that there is neither at this moment.
func hearNow(fd int, request *stun.Message) (h hop, heard, none bool) {
	buf, oob := make([]byte, maxResponse), make([]byte, 256)
	n, oobn, _, _, err := unix.Recvmsg(fd, buf, oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err == nil {
		h.router, heard = timeExceeded(oob[:oobn])
		return h, heard && quotes(buf[:n], request.Raw), false
	}
	n, _, err = unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
	if err != nil { // or the error that was put into the queue in between
		return hop{}, false, errors.Is(err, unix.EAGAIN)
	}
	_, h.arrived = parseResponse(buf[:n], request)
	return h, h.arrived, false
}

// quotes says whether an error that quotes this much of a datagram can be about
// ours: at least nothing, when the router quotes the headers only (RFC 792). What
// follows the datagram is the router's (RFC 4884).
func quotes(quoted, ours []byte) bool {
	n := min(len(quoted), len(ours))
	return bytes.Equal(quoted[:n], ours[:n])
}

// struct sock_extended_err of linux/errqueue.h, and the struct sockaddr_in of the
// router behind it.
const (
	originAt, typeAt, codeAt = 4, 5, 6
	offenderAt               = 16
	familyAt                 = offenderAt
	addressAt                = offenderAt + 4
	extendedErrLength        = addressAt + 4

	icmpTimeExceeded = 11 // RFC 792
	icmpInTransit    = 0  // its code: the time to live has ended
)

// timeExceeded reads the control message that comes with an error: the router that
// dropped our packet because its time to live had ended.
func timeExceeded(oob []byte) (router netip.Addr, ok bool) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return netip.Addr{}, false
	}
	for _, m := range messages {
		b := m.Data
		if m.Header.Level != unix.IPPROTO_IP || m.Header.Type != unix.IP_RECVERR || len(b) < extendedErrLength ||
			b[originAt] != unix.SO_EE_ORIGIN_ICMP || b[typeAt] != icmpTimeExceeded || b[codeAt] != icmpInTransit ||
			binary.NativeEndian.Uint16(b[familyAt:]) != unix.AF_INET {
			continue
		}
		router = netip.AddrFrom4([4]byte(b[addressAt:extendedErrLength]))
		return router, router.IsGlobalUnicast()
	}
	return netip.Addr{}, false
}
