package driver

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What HashPassword asks for: the second choice of the OWASP Password Storage
// Cheat Sheet, about 20 ms on a small computer.
const (
	owaspMemory  = 19456 // KiB
	owaspPasses  = 2
	owaspThreads = 1
	saltSize     = 16
	keySize      = 32
)

// Bounds of a hash that somebody else has made. RFC 9106, section 4, recommends
// up to 64 MiB and 4 lanes to hosts like ours.
const (
	maxMemory  = 64 << 10 // KiB
	maxPasses  = 10
	maxThreads = 8
	maxEncoded = 512 // bytes of the whole string
)

// argon2id is a hash as RFC 9106 defines it.
type argon2id struct {
	cost      [3]uint32 // in the order of argon2Costs
	salt, key []byte
}

const (
	memoryCost = iota
	passesCost
	threadsCost
)

// argon2Costs are the parameters of the PHC string, in its order.
var argon2Costs = [3]struct {
	key      string
	what     string
	min, max uint32
}{
	memoryCost:  {"m", "KiB of memory", 8, maxMemory},
	passesCost:  {"t", "passes", 1, maxPasses},
	threadsCost: {"p", "threads", 1, maxThreads},
}

func newArgon2id(password string) argon2id {
	h := argon2id{
		cost: [3]uint32{memoryCost: owaspMemory, passesCost: owaspPasses, threadsCost: owaspThreads},
		salt: make([]byte, saltSize),
	}
	_, _ = rand.Read(h.salt) // never fails (crypto/rand)
	h.key = h.derive(password, keySize)
	return h
}

func (h argon2id) derive(password string, size int) []byte {
	return argon2.IDKey([]byte(password), h.salt,
		h.cost[passesCost], h.cost[memoryCost], uint8(h.cost[threadsCost]), uint32(size))
}

func (h argon2id) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, len(h.key)), h.key) == 1
}

func (h argon2id) memory() uint32 { return h.cost[memoryCost] }

// String is the PHC form: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func (h argon2id) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost[memoryCost], h.cost[passesCost], h.cost[threadsCost],
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

func parseArgon2id(stored string) (verifier, error) {
	h, err := decodeArgon2id(stored)
	if err != nil {
		return nil, fmt.Errorf("argon2id hash: %w", err)
	}
	return h, nil
}

func decodeArgon2id(stored string) (h argon2id, err error) {
	if len(stored) > maxEncoded {
		return h, fmt.Errorf("longer than %d bytes", maxEncoded)
	}
	fields := strings.Split(stored, "$")[2:] // the first is empty, the second "argon2id"
	for i, name := range []string{"version", "parameters", "salt", "hash"} {
		if len(fields) <= i || fields[i] == "" {
			return h, errors.New("missing " + name)
		}
	}
	if len(fields) > 4 {
		return h, errors.New("something follows the hash")
	}
	if want := fmt.Sprintf("v=%d", argon2.Version); fields[0] != want {
		return h, fmt.Errorf("version %q, only %q can be verified", fields[0], want)
	}
	if h.cost, err = decodeCosts(fields[1]); err != nil {
		return h, err
	}
	if h.salt, err = decodeBytes("salt", fields[2], 8, 64); err != nil { // RFC 9106, section 3.1
		return h, err
	}
	h.key, err = decodeBytes("hash", fields[3], 16, 64)
	return h, err
}

func decodeCosts(text string) (cost [3]uint32, err error) {
	pairs := strings.Split(text, ",")
	if len(pairs) != len(argon2Costs) {
		return cost, fmt.Errorf("parameters %q, not m=,t=,p=", text)
	}
	for i, c := range argon2Costs {
		value, found := strings.CutPrefix(pairs[i], c.key+"=")
		n, err := strconv.ParseUint(value, 10, 32)
		switch {
		case !found || err != nil:
			return cost, fmt.Errorf("parameter %q, not %s=number", pairs[i], c.key)
		case uint32(n) > c.max:
			return cost, fmt.Errorf("%s=%d is above the bound of %d %s", c.key, n, c.max, c.what)
		case uint32(n) < c.min:
			return cost, fmt.Errorf("%s=%d is below the minimum of %d %s", c.key, n, c.min, c.what)
		}
		cost[i] = uint32(n)
	}
	if least := 8 * cost[threadsCost]; cost[memoryCost] < least { // RFC 9106, section 3.1
		return cost, fmt.Errorf("m=%d is below the minimum of %d for %d threads", cost[memoryCost], least, cost[threadsCost])
	}
	return cost, nil
}

func decodeBytes(what, text string, least, most int) ([]byte, error) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is not base64 without padding", what)
	case len(b) < least || len(b) > most:
		return nil, fmt.Errorf("%s of %d bytes, not %d to %d", what, len(b), least, most)
	}
	return b, nil
}
