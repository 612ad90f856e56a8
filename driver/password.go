package driver

import (
	"crypto/rand"
	"errors"
	"strings"
)

// verifier is a stored password in the form that a login is checked against.
type verifier interface {
	// matches does the same work whatever the password.
	matches(password string) bool
	// memory is what matches needs for a moment, in KiB.
	memory() uint32
	// String is the hash as it is stored.
	String() string
}

// schemes are the prefixes of password hashes in the wild (crypt(5), PHC). A
// stored password with another beginning is plain text.
var schemes = []struct {
	prefix string
	name   string
	parse  func(stored string) (verifier, error) // nil: can't be verified here
}{
	{"$argon2id$", "argon2id", parseArgon2id},
	{"$2a$", "bcrypt", parseBcrypt},
	{"$2b$", "bcrypt", parseBcrypt},
	{"$2y$", "bcrypt", parseBcrypt},
	{"$2$", "bcrypt of 1997", nil},
	{"$2x$", "faulty bcrypt of 2011", nil},
	{"$argon2i$", "argon2i", nil},
	{"$argon2d$", "argon2d", nil},
	{"$y$", "yescrypt", nil},
	{"$gy$", "gost-yescrypt", nil},
	{"$7$", "scrypt", nil},
	{"$scrypt$", "scrypt", nil},
	{"$6$", "sha512-crypt", nil},
	{"$5$", "sha256-crypt", nil},
	{"$1$", "md5-crypt", nil},
	{"$apr1$", "Apache md5-crypt", nil},
}

// IsHash reports whether a stored password is a hash, of any known kind, rather
// than plain text. Only CheckPassword tells whether it can be verified.
func IsHash(stored string) bool {
	for _, s := range schemes {
		if strings.HasPrefix(stored, s.prefix) {
			return true
		}
	}
	return false
}

// CheckPassword reports what is wrong with a stored password: one that is
// empty, a hash of a kind that can't be verified here, one that is damaged, or
// one so costly that a few logins would exhaust the host. Plain text is fine.
func CheckPassword(stored string) error {
	switch {
	case stored == "":
		return errors.New("password is empty")
	case IsHash(stored):
		_, err := parseHash(stored)
		return err
	default:
		return nil
	}
}

// HashPassword hashes a password with argon2id, as OWASP recommends it for
// interactive logins, into the PHC string form.
func HashPassword(password string) (string, error) {
	if password == "" {
		return "", errors.New("password is empty")
	}
	return newArgon2id(password).String(), nil
}

// newVerifier takes a hash as it is and hashes plain text in memory, so that
// every login takes the same path and no plain text stays around.
func newVerifier(stored string) (verifier, error) {
	if err := CheckPassword(stored); err != nil {
		return nil, err
	}
	if IsHash(stored) {
		return parseHash(stored)
	}
	return newArgon2id(stored), nil
}

// keepVerifier is newVerifier, or the verifier of the account before where it is
// of the same password: so nothing needs to remember plain text to tell.
func keepVerifier(stored string, before *Account) (verifier, error) {
	if before != nil && before.password != nil && before.plain && stored != "" && !IsHash(stored) && before.password.matches(stored) {
		return before.password, nil
	}
	return newVerifier(stored)
}

// samePassword compares how they are stored; nil is no password.
func samePassword(a, b verifier) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.String() == b.String()
}

// newDecoy is a password that nobody knows.
func newDecoy() verifier { return newArgon2id(rand.Text()) }

func parseHash(stored string) (verifier, error) {
	for _, s := range schemes {
		switch {
		case !strings.HasPrefix(stored, s.prefix):
			continue
		case s.parse == nil:
			return nil, errors.New(s.name + " hash: can't be verified here; make an argon2id hash of the password")
		default:
			return s.parse(stored)
		}
	}
	return nil, errors.New("not a password hash")
}
