package data

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"
)

// clientHello is what a client of Go's says first.
func clientHello(f *testing.F) []byte {
	f.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		defer theirs.Close()
		tls.Client(theirs, &tls.Config{ServerName: "natftpd.test", ClientSessionCache: tls.NewLRUClientSessionCache(1)}).Handshake()
	}()
	buf := make([]byte, 4<<10)
	n, err := ours.Read(buf)
	if err != nil {
		f.Fatal(err)
	}
	return buf[:n]
}

func FuzzParseHello(f *testing.F) {
	seed := clientHello(f)
	about, ok := parseHello(seed)
	if want := []tls.CurveID{tls.X25519MLKEM768, tls.X25519}; !ok || !about.exchanges || about.ticket != nil || !bytes.Equal(ids(about.shares), ids(want)) {
		f.Fatalf("got %+v, %v; want shares of %v, exchanges and no ticket", about, ok, want)
	}
	f.Add(seed)
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, records []byte) {
		about, ok := parseHello(records)
		if !ok {
			return
		}
		if !bytes.Contains(records, about.ticket) {
			t.Errorf("ticket %x is not of the ClientHello", about.ticket)
		}
		for _, id := range about.shares {
			if !bytes.Contains(records, ids([]tls.CurveID{id})) {
				t.Errorf("share %v is not of the ClientHello", id)
			}
		}
		if _, ok := parseHello(records[:5+(int(records[3])<<8|int(records[4]))-1]); ok {
			t.Error("its record may end before its end")
		}
	})
}

func ids(all []tls.CurveID) (b []byte) {
	for _, id := range all {
		b = append(b, byte(id>>8), byte(id))
	}
	return b
}
