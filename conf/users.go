package conf

import (
	"fmt"
	"strings"
)

func userPath(i int, key string) string { return fmt.Sprintf("users[%d].%s", i, key) }

// checkUsers gives each user the access and the start that were left out, and demands a password
// that fits.
func (l *loader) checkUsers() {
	if len(l.Users) == 0 && l.Path != "" && l.sound("users") {
		at, ok := l.places["users"]
		if !ok {
			at = place{l.Path, 1, 1}
		}
		l.wrong(at, "users", "nobody may log in", "write at least one, for example users: [{name: alice, password: …, home: /srv/ftp/alice}]")
	}
	first := map[string]place{}
	for i := range l.Users {
		u := &l.Users[i]
		if u.Access == "" {
			u.Access = defaultAccess(u.Name)
		}
		if u.Start == "" {
			u.Start = "/"
		}
		l.checkPassword(i, *u)
		if !l.sound(userPath(i, "name")) {
			continue
		}
		at := l.at(userPath(i, "name"))
		if before, twice := first[u.Name]; twice {
			l.wrong(at, "users.name", fmt.Sprintf("%q is there already, in %s", u.Name, before.origin()), "give each user another name")
			continue
		}
		first[u.Name] = at
	}
}

// defaultAccess is what a user may do when the file does not say: strangers never
// write unasked.
func defaultAccess(name string) Access {
	if name == Anonymous {
		return ReadOnly
	}
	return ReadWrite
}

func (l *loader) checkPassword(i int, u User) {
	const key, makeOne = "users.password", "write a hash made by natftpd hash-password"
	path := userPath(i, "password")
	if !l.sound(path, userPath(i, "name")) {
		return
	}
	at, written := l.places[path]
	switch {
	case u.Name == Anonymous && written:
		l.wrong(at, key, "is set for anonymous, whom every password lets in", "remove it, or give the user another name")
	case u.Name == Anonymous:
	case !written && l.at(userPath(i, "name")) == envPlace(envUser):
		l.wrong(envPlace(envUser), key, fmt.Sprintf("is missing for %s", u.Name), "set "+envPassword+" or "+envPasswordFile)
	case !written:
		l.wrong(l.at(userPath(i, "")), key, fmt.Sprintf("is missing for %s", u.Name), makeOne)
	case u.Password == "":
		l.wrong(at, key, "is empty", makeOne)
	default:
		if l.source.CheckPassword != nil {
			l.accept(l.source.CheckPassword(u.Password), at, key, path, makeOne)
		}
		// A file of its own is where secrets belong, hashed or not.
		if !isHash(u.Password) && at != envPlace(envPasswordFile) {
			l.warn(at, key, fmt.Sprintf("the password of %s is plain text; natftpd hash-password makes a hash of it", u.Name))
		}
	}
}

// isHash says whether a password looks like a hash: "$", an algorithm, "$". Which
// of them are known is for CheckPassword to say.
func isHash(password string) bool {
	rest, ok := strings.CutPrefix(password, "$")
	return ok && strings.IndexByte(rest, '$') > 0
}
