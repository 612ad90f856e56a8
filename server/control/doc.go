// Package control is the front of the FTP service: it owns each control
// connection and its TLS, takes the commands off it, answers those that it can
// answer better, makes the transfers, and hands the rest to ftpserverlib in
// canonical form, one at a time. What the library replies passes through here on
// its way out.
//
// The library dispatches the commands that touch files, and owns the working
// directory. It never sees a socket: for its control connection it gets a
// [session], so that addresses, TLS, ports, time-outs, aborts and logins are
// decided here and in package data. It hears nothing before a login, and nothing of
// data connections: a transfer through it costs a small file a tenth more
// processor time, and it wants a listening port of its own.
//
// verbs.go is the table to start reading at. The package knows commands,
// replies and sessions; nothing of routers, and of files only what the
// driver's home offers.
//
// # Trust
//
// Nothing that comes over a control connection is trusted. What is checked, and
// where:
//
//   - Who may come in at all: arrive.go, by the bans and limits of package
//     driver, before anything is set up for the connection.
//   - Lines: lines.go. They are whole, bounded in length, and without Telnet's
//     commands; what a broken connection leaves behind is no command. Control
//     characters are refused in verbs.go, so none reaches a log, a reply or a
//     name.
//   - Time: reading.go and output.go. A login, an idle session, a handshake and a
//     reply that nobody reads have deadlines, which single bytes do not move.
//   - Mistakes of ours: work.go. One in a transfer ends that transfer.
//   - Amounts: at most maxHeld commands wait behind a transfer, the next ones stay
//     in the socket; each address is in a few TLS handshakes at a time, and few
//     hash at once; the log has one line a minute for each address that is
//     refused (refusals.go).
//   - TLS: tls.go. What came in clear behind AUTH is forgotten, no login outlives a
//     change of channel, and nothing is in clear where TLS is required.
//   - Logins: login.go. Without one only the commands marked open in verbs.go are
//     there.
//   - Addresses: passive.go. Data connections come from the address of the control
//     connection and go to no other, nor to a port below 1024 (RFC 2577).
//   - Names: not here. Each goes as it is to the driver's Home, which is the only
//     door to files, and is confined by the kernel.
//
// The operator's configuration is trusted, and so are the libraries, as far as
// they see anything: ftpserverlib gets lines that passed the above, and its words
// reach nobody (words.go, reply.go). The dangerous calls, those that a mistake in
// would hurt, are few: openat2 and os.Root in package driver, the dialling of clients in
// data.Dial, and the socket option in urgent_unix.go.
//
// # What is not offered, and why
//
// RFC 959: block and compressed mode, record and page structure, EBCDIC and local
// bytes of other sizes than eight, SMNT: no client is left that uses them. RFC
// 2228: ADAT, CONF, ENC, MIC: TLS takes their place (RFC 4217); CCC would let
// anybody on the path add commands. RFC 1639: LPRT, LPSV: EPRT and EPSV took their
// place. FXP, that is PORT to another host: RFC 2577 tells why. SITE EXEC, SYMLINK
// and CHOWN: they lead out of the home, or give files away. RANG and MFCT: hardly
// any client knows them.
//
// A session of TLS 1.3 is resumed by a new ticket, which a client has to read
// even on a data connection that it only sends on; the few that close without
// reading it (Perl's Net::FTP) may lose the end of an upload to a reset: crypto/tls
// has no way to resume without. A symbolic link that leads out of the home, or
// nowhere, is listed without its target, which is nobody's business.
package control
