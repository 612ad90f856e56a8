// Package driver decides who may do what with which files: accounts and their
// passwords, live sessions, and the home of a user as an afero.Fs.
//
// A home is one folder behind an os.Root, or what the kernel has of that kind
// (place.go). Names are absolute FTP paths ("/a/b"), and no name, no "..", no
// symbolic link and no race with somebody who changes the folder leads out of it.
// Symbolic links inside a home work as long as they are relative; no absolute one
// is followed, wherever it points. Errors carry FTP paths only, since the FTP
// library puts their text into its replies.
//
// What an account may do is the table in access.go.
//
// # Uploads
//
// Uploads are written in place, or atomically: to a partial, a hidden file
// beside the target, which takes the target's place when all of it is here. Until
// then, and whenever the process dies, the name stands for the old file. What
// replaces a file has its mode, and its owner where the host allows, but not its
// access lists and other attributes; a symbolic link stays, and what it leads to
// is replaced. Sessions that send to one target at a time are each whole in their
// turn; only the partial of the first is kept if it breaks.
//
// A partial that is left over waits for whoever sent it: the account, or the
// session of an anonymous user. Its name says whose it is (partial.go), so it
// survives a crash. Clients neither see partials nor can name them. REST with
// STOR (RFC 959, section 4.1.3) goes on with the partial at that offset; so does
// APPE where the client was told of it, or where there is no whole file; the
// table is resume. SIZE and MLST tell of the partial, listings of whole files
// only, and nobody is told one size and sent another (waiting.go). A whole file
// is resumed in a partial, too, or in place if it is long; APPE to one always is.
// DELE removes the account's partial together with the file, or alone if there is
// no file; RMD takes a folder with nothing but partials for an empty one.
// [Accounts.Tend] removes those whose time is over. Bytes of which the disk would
// not say that it has them (a failed sync) are no partial to resume.
//
// A quota bounds the bytes of all files of a home, the old file and its partial
// both counted while there are both. It is exact however many upload at a time
// (quota.go); what others than this server change is counted every day. A home
// inside another one is no part of it until then.
//
// # Trust
//
// Of names nothing is trusted: [Home] cleans each once (resolve), and from there
// on it is used through the home's os.Root only, which the kernel checks at each
// step, or through a place, to which the kernel goes by itself and not beyond the
// home (place.go), so that it does not matter who else changes the folder
// meanwhile. No other call of package os or of the kernel takes a name here but
// for homes that the operator wrote down and the file of bans; a test sees to that. What is found behind a name may be
// anything: it is opened without waiting (openKind), and used if it is a regular
// file, or a directory to read. An atomic upload works in the directory that it
// opened, and its last step, the rename, happens where the client's name leads
// then, if the partial is there, and still the file that was written (commit.go). What
// removes and replaces is in remove.go and change.go, what sets modes and owners
// in adopt.go. The operator and the host's other users are trusted
// with what the host lets them do.
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
