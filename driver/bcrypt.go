package driver

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"golang.org/x/crypto/bcrypt"
)

// maxBcryptCost bounds the time of one login: cost 14 takes about a second on
// a small computer, and each step more doubles it.
const maxBcryptCost = 14

// bcryptMemory is what the cipher's tables take.
const bcryptMemory = 5 // KiB

// bcryptForm is the modular crypt form: cost, 22 characters of salt, 31 of hash.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// bcryptHash is a whole bcrypt string.
type bcryptHash string

func parseBcrypt(stored string) (verifier, error) {
	match := bcryptForm.FindStringSubmatch(stored)
	if match == nil {
		return nil, errors.New("bcrypt hash: damaged: not $2b$, two digits, $ and 53 letters, digits, dots or slashes")
	}
	cost, err := strconv.Atoi(match[1])
	switch {
	case err != nil:
		return nil, fmt.Errorf("bcrypt hash: cost: %w", err)
	case cost > maxBcryptCost:
		return nil, fmt.Errorf("bcrypt hash: cost %d is above the bound of %d", cost, maxBcryptCost)
	case cost < bcrypt.MinCost:
		return nil, fmt.Errorf("bcrypt hash: cost %d is below the minimum of %d", cost, bcrypt.MinCost)
	}
	return bcryptHash(stored), nil
}

func (h bcryptHash) matches(password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(h), []byte(password)) == nil
}

func (h bcryptHash) memory() uint32 { return bcryptMemory }

func (h bcryptHash) String() string { return string(h) }
