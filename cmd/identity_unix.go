//go:build unix

package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// dropPrivileges makes root the user of $PUID and $PGID, as containers name whose
// the files of a volume are to be. What was kept in stateDir so far becomes that
// user's, and homes that are missing are made: there may be nothing else that the
// user may write to. Without them, and for anybody but root, it does nothing.
func (p *program) dropPrivileges(stateDir string, homes []string) error {
	uid, err := p.id("PUID")
	if err != nil {
		return err
	}
	gid, err := p.id("PGID")
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 || uid < 0 && gid < 0 {
		return nil
	}
	if gid < 0 {
		gid = uid
	}
	if uid < 0 {
		return invalidError{errors.New("PGID is set without PUID; set both")}
	}
	for _, dir := range append([]string{stateDir}, missing(homes)...) {
		if err := handOver(dir, uid, gid); err != nil {
			return fmt.Errorf("hand %s over to user %d: %w", dir, uid, err)
		}
	}
	// The groups first: nobody but root may change them. On Linux each of these is
	// for all threads of the process.
	if err := errors.Join(syscall.Setgroups([]int{gid}), syscall.Setgid(gid), syscall.Setuid(uid)); err != nil {
		return fmt.Errorf("become user %d of group %d (PUID, PGID): %w; let the container have the capabilities SETUID and SETGID, or start it as that user", uid, gid, err)
	}
	return nil
}

// id is a user's or group's number; -1: there is none.
func (p *program) id(name string) (int, error) {
	text := p.variable(name)
	if text == "" {
		return -1, nil
	}
	const most = 1<<32 - 2 // (uid_t)-1 is nobody's
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > most {
		return -1, invalidError{fmt.Errorf("environment %s: %q is no number of a user or group; write for example 1000", name, text)}
	}
	return int(n), nil
}

// missing are the folders that are not there.
func missing(dirs []string) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool {
		_, err := os.Lstat(dir)
		return err == nil
	})
}

// handOver makes a folder, and all that is in it, somebody's. What lies outside of
// it is not touched, whatever links lead there.
func handOver(dir string, uid, gid int) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(name, uid, gid)
	})
}
