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
// The package knows nothing of networks beyond the address a session came
// from, and nothing of FTP commands beyond the extension interfaces that the
// FTP library asks a file system for.
package driver
