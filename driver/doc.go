// Package driver decides who may do what with which files: accounts and their
// passwords, live sessions, and the home of a user as an afero.Fs.
//
// A home is one folder behind an os.Root. Names are absolute FTP paths
// ("/a/b"), and no name, no "..", no symbolic link and no race with somebody
// who changes the folder leads out of it. Symbolic links inside a home work as
// long as they are relative; os.Root follows no absolute one, wherever it
// points. Errors carry FTP paths only, since the FTP library puts their text
// into its replies.
//
// What an account may do is the table in access.go. Uploads are written in
// place: when one breaks, the part that arrived stays, and a client resumes it
// with REST or APPE (RFC 959, sections 4.1.3 and 3.5).
//
// Of a client nothing is trusted but the address its connection comes from, one
// IPv4 address or one IPv6 /64, and the front's word on whether it is of our own
// network. Every login costs the same password check, whether the name is known,
// may come from there or neither ([Accounts.Login]), and the wrong ones wait. The
// checks are bounded in memory, and in number for each address, so that no flood
// of logins keeps others from theirs (gate.go, budget.go). Whoever goes on
// guessing is banned, longer each time ([Bans]); a ban hits everybody behind the
// same address, and so a program that sends one outdated password for ever counts
// as one mistake, not as guessing. Who has not logged in gives way to those who
// come when all places are taken ([Sessions.Enter]). What strangers make us
// remember is bounded (recent.go). Plain text of passwords is kept nowhere; the
// hashes come from the operator, and those too costly are refused
// ([CheckPassword]).
//
// The package knows nothing of networks beyond the address a session came
// from, and nothing of FTP commands beyond the extension interfaces that the
// FTP library asks a file system for.
package driver
