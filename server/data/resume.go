package data

import (
	"bytes"
	"crypto/fips140"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// heir marks a ticket whose session has its secret of a post-quantum key exchange,
// its own or that of a session that it resumed. The time of the ticket follows.
const heir = "natftpd 1: post-quantum, "

// heirs is how long a ticket counts as an heir's. crypto/tls takes it for a week.
const heirs = 24 * time.Hour

// errNotResumed can't come by a client that stays the same.
var errNotResumed = errors.New("the client offers a session that does not fit its other offers")

// EaseResumption has data connections leave ML-KEM away when they resume a session
// that had it already, mostly the control connection's: for a file of few KiB it was
// an eighth of the processor time, and a quarter of the wait. What is recorded of such
// a connection stays closed to a quantum computer, for its keys come of the session's
// secret too (RFC 8446, section 7.1), and closed to a thief of the secret, by X25519;
// it takes both to open it.
//
// Everything else stays: control connections, data connections that begin a session or
// resume one without that secret, and those of clients that would have to be asked for
// another key share first. cfg has to be complete, and it alone be served from.
func EaseResumption(cfg *tls.Config) {
	if fips140.Enabled() { // X25519 alone is not approved
		return
	}
	now := cfg.Time
	if now == nil {
		now = time.Now
	}
	wrap := func(ticket tls.ConnectionState, session *tls.SessionState, inherits bool) ([]byte, error) {
		if inherits && ticket.Version == tls.VersionTLS13 {
			session.Extra = append(session.Extra, binary.BigEndian.AppendUint64([]byte(heir), uint64(now().Unix())))
		}
		return cfg.EncryptTicket(ticket, session)
	}
	easy := cfg.Clone()
	easy.CurvePreferences = []tls.CurveID{tls.X25519}
	easy.WrapSession = func(c tls.ConnectionState, s *tls.SessionState) ([]byte, error) { return wrap(c, s, true) }
	easy.VerifyConnection = func(c tls.ConnectionState) error {
		if !c.DidResume {
			return errNotResumed
		}
		return nil
	}
	cfg.WrapSession = func(c tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
		return wrap(c, s, postQuantum(c.CurveID))
	}
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		w, data := hello.Conn.(*wire)
		if !data || !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
			return nil, nil
		}
		about, ok := parseHello(w.in[:w.come])
		if !ok || !about.exchanges || !slices.Contains(about.shares, tls.X25519) {
			return nil, nil
		}
		session, err := cfg.DecryptTicket(about.ticket, tls.ConnectionState{})
		if err != nil || session == nil || !slices.ContainsFunc(session.Extra, func(extra []byte) bool { return isHeir(extra, now()) }) {
			return nil, nil
		}
		return easy, nil
	}
}

func isHeir(extra []byte, now time.Time) bool {
	at, ok := bytes.CutPrefix(extra, []byte(heir))
	return ok && len(at) == 8 && now.Sub(time.Unix(int64(binary.BigEndian.Uint64(at)), 0)) < heirs
}

func postQuantum(exchange tls.CurveID) bool {
	return exchange == tls.X25519MLKEM768 || exchange == tls.SecP256r1MLKEM768 || exchange == tls.SecP384r1MLKEM1024
}

// offer is what crypto/tls does not tell of a ClientHello.
type offer struct {
	shares    []tls.CurveID // of these the client has sent its key
	exchanges bool          // keys are exchanged in resumptions, too
	ticket    []byte        // the first one; nil: none
}

// parseHello reads a ClientHello that is all in the first record, as all that are
// below 16 KiB (RFC 8446, sections 4.1.2 and 5.1).
func parseHello(records []byte) (about offer, ok bool) {
	const handshake, clientHello = 22, 1
	in := cryptobyte.String(records)
	var kind uint8
	var record, body, skipped, extensions cryptobyte.String
	if !in.ReadUint8(&kind) || kind != handshake || !in.Skip(2) || !in.ReadUint16LengthPrefixed(&record) ||
		!record.ReadUint8(&kind) || kind != clientHello || !record.ReadUint24LengthPrefixed(&body) ||
		!body.Skip(2+32) || !body.ReadUint8LengthPrefixed(&skipped) || // version, random, session
		!body.ReadUint16LengthPrefixed(&skipped) || !body.ReadUint8LengthPrefixed(&skipped) || // suites, compression
		!body.ReadUint16LengthPrefixed(&extensions) {
		return about, false
	}
	for !extensions.Empty() {
		var name uint16
		var content cryptobyte.String
		if !extensions.ReadUint16(&name) || !extensions.ReadUint16LengthPrefixed(&content) || !about.extension(name, content) {
			return about, false
		}
	}
	return about, true
}

// extension reads those that matter (RFC 8446, sections 4.2.8, 4.2.9 and 4.2.11).
func (about *offer) extension(name uint16, content cryptobyte.String) bool {
	const preSharedKey, exchangeModes, keyShare, withExchange = 41, 45, 51, 1
	var all, one cryptobyte.String
	switch name {
	case preSharedKey:
		if !content.ReadUint16LengthPrefixed(&all) || !all.ReadUint16LengthPrefixed(&one) {
			return false
		}
		about.ticket = one
	case exchangeModes:
		if !content.ReadUint8LengthPrefixed(&all) {
			return false
		}
		about.exchanges = bytes.IndexByte(all, withExchange) >= 0
	case keyShare:
		if !content.ReadUint16LengthPrefixed(&all) {
			return false
		}
		for !all.Empty() {
			var group uint16
			if !all.ReadUint16(&group) || !all.ReadUint16LengthPrefixed(&one) {
				return false
			}
			about.shares = append(about.shares, tls.CurveID(group))
		}
	}
	return true
}
