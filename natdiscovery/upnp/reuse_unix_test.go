//go:build unix

package upnp

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestTheSourcePortOfARequestIsFreeToListenOnAfterwards(t *testing.T) {
	router, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	conn, err := newWeb(netip.MustParseAddr("127.0.0.1"), time.Second).dial(t.Context(), "tcp", router.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := router.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	conn.Close() // we end it, so that the port is ours in FIN-WAIT and TIME-WAIT
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp4", conn.LocalAddr().String())
	if err != nil {
		t.Fatalf("the source port is not free: %v", err)
	}
	l.Close()
}
