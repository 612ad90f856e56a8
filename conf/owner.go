package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode"
)

// Umask is what is taken from the modes of files and folders made here.
type Umask struct {
	// Set: to Mode; otherwise the process's is in force.
	Set  bool
	Mode fs.FileMode
}

// String is u as it is written in the file.
func (u Umask) String() string {
	if !u.Set {
		return quoted("")
	}
	return fmt.Sprintf(`"%03o"`, uint32(u.Mode))
}

// umask refuses what would keep the server itself from its files.
func umask(v *Umask, s string) error {
	if s == "" {
		*v = Umask{}
		return nil
	}
	n, err := strconv.ParseUint(s, 8, 16)
	switch {
	case err != nil || n > 0o777:
		return fmt.Errorf("%q is no octal number from 000 to 777", s)
	case n&0o700 != 0:
		return fmt.Errorf("%q takes rights from the owner of the files, the server itself", s)
	}
	*v = Umask{Set: true, Mode: fs.FileMode(n)}
	return nil
}

// Owner is a user and a group of the host, by name or number. Both are empty
// where whoever runs the server is to own the files.
type Owner struct{ User, Group string }

// String is o as it is written in the file.
func (o Owner) String() string {
	if o.Group == "" {
		return quoted(o.User)
	}
	return quoted(o.User + ":" + o.Group)
}

// owner does not look the names up: that is for the host that serves.
func owner(v *Owner, s string) error {
	user, group, both := strings.Cut(s, ":")
	if s != "" && (!fitsOwner(user) || both && !fitsOwner(group)) {
		return fmt.Errorf("%q is no user or user:group", s)
	}
	*v = Owner{user, group}
	return nil
}

// fitsOwner tells whether name may be a user's or a group's. Of numbers the kernel
// takes 32 bits and drops the others, and all of them set mean no change (chown(2)).
func fitsOwner(name string) bool {
	if n, err := strconv.ParseInt(name, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return err == nil && 0 <= n && n < 1<<32-1
	}
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r == ':' || unicode.IsSpace(r) || unicode.IsControl(r) })
}
