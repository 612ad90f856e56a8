//go:build linux

// Command bench measures natftpd against vsftpd, pure-ftpd, ProFTPD and SFTPGo on
// this machine, and against what the machine itself can do: bare sendfile, bare
// splice, AES-GCM, stat of each entry of a folder. make bench runs it.
//
// All servers run at once on loopback, on one core; the load generator has the
// other. The files are in memory. A row of the table is one load, a round of it
// visits each server in turn, so that whatever else the machine does hits all
// alike; what is printed are medians of the rounds, and ratios.
//
// The load generator does next to nothing with the bytes: the kernel discards a
// download (MSG_TRUNC, tcp(7)), over TLS without decrypting it, and an upload is
// sent from memory (sendfile). What it costs nevertheless is a column of its own:
// where the client is busy all the time, the row says nothing of the server. Each
// load is tried once on each server with everything checked before it is measured.
//
// It also measures natftpd alone: with everything on against everything off
// (-overhead), with more and more to do (-growth), against what it promises
// (-limits), and where it spends its time (-profile). With -publish all of it writes
// its part of docs/performance.md.
//
// It knows natftpd and its peers from outside only, by their programs and
// configuration, and never leaves loopback.
package main
