package driver

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Parts of stored passwords.
const (
	phcSalt = "c2FsdHNhbHRzYWx0"                            // "saltsaltsalt"
	phcKey  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" // 32 zero bytes
	cheap   = "$argon2id$v=19$m=8,t=1,p=1$" + phcSalt + "$" + phcKey
	bcryptX = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy" // 53 characters
)

func TestCheckPassword(t *testing.T) {
	tests := map[string]struct{ stored, want string }{
		"plain text":                           {"open sesame", ""},
		"plain text that begins with a dollar": {"$ecret$word", ""},
		"nothing":                              {"", "password is empty"},
		"argon2id":                             {"$argon2id$v=19$m=19456,t=2,p=1$" + phcSalt + "$" + phcKey, ""},
		"argon2id at the bounds":               {"$argon2id$v=19$m=65536,t=10,p=8$" + phcSalt + "$" + phcKey, ""},
		"argon2id and nothing else":            {"$argon2id$", "argon2id hash: missing version"},
		"argon2id without parameters":          {"$argon2id$v=19", "argon2id hash: missing parameters"},
		"argon2id without salt":                {"$argon2id$v=19$m=19456,t=2,p=1", "argon2id hash: missing salt"},
		"argon2id with empty salt":             {"$argon2id$v=19$m=19456,t=2,p=1$$" + phcKey, "argon2id hash: missing salt"},
		"argon2id without hash":                {"$argon2id$v=19$m=19456,t=2,p=1$" + phcSalt, "argon2id hash: missing hash"},
		"argon2id with a tail":                 {"$argon2id$v=19$m=19456,t=2,p=1$" + phcSalt + "$" + phcKey + "$x", "argon2id hash: something follows the hash"},
		"argon2id, older version":              {"$argon2id$v=16$m=19456,t=2,p=1$" + phcSalt + "$" + phcKey, `argon2id hash: version "v=16", only "v=19" can be verified`},
		"argon2id, two parameters":             {"$argon2id$v=19$m=19456,t=2$" + phcSalt + "$" + phcKey, `argon2id hash: parameters "m=19456,t=2", not m=,t=,p=`},
		"argon2id, parameters out of order":    {"$argon2id$v=19$t=2,m=19456,p=1$" + phcSalt + "$" + phcKey, `argon2id hash: parameter "t=2", not m=number`},
		"argon2id, negative passes":            {"$argon2id$v=19$m=19456,t=-2,p=1$" + phcSalt + "$" + phcKey, `argon2id hash: parameter "t=-2", not t=number`},
		"argon2id, no passes":                  {"$argon2id$v=19$m=19456,t=0,p=1$" + phcSalt + "$" + phcKey, "argon2id hash: t=0 is below the minimum of 1 passes"},
		"argon2id, too much memory":            {"$argon2id$v=19$m=65537,t=2,p=1$" + phcSalt + "$" + phcKey, "argon2id hash: m=65537 is above the bound of 65536 KiB of memory"},
		"argon2id, too many passes":            {"$argon2id$v=19$m=19456,t=11,p=1$" + phcSalt + "$" + phcKey, "argon2id hash: t=11 is above the bound of 10 passes"},
		"argon2id, too many threads":           {"$argon2id$v=19$m=19456,t=2,p=256$" + phcSalt + "$" + phcKey, "argon2id hash: p=256 is above the bound of 8 threads"},
		"argon2id, less memory than threads":   {"$argon2id$v=19$m=16,t=2,p=4$" + phcSalt + "$" + phcKey, "argon2id hash: m=16 is below the minimum of 32 for 4 threads"},
		"argon2id, salt not base64":            {"$argon2id$v=19$m=19456,t=2,p=1$s*lt$" + phcKey, "argon2id hash: salt is not base64 without padding"},
		"argon2id, short salt":                 {"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$" + phcKey, "argon2id hash: salt of 4 bytes, not 8 to 64"},
		"argon2id, short hash":                 {"$argon2id$v=19$m=19456,t=2,p=1$" + phcSalt + "$c2FsdA", "argon2id hash: hash of 4 bytes, not 16 to 64"},
		"argon2id, endless":                    {"$argon2id$v=19$m=19456,t=2,p=1$" + strings.Repeat("A", 1000) + "$" + phcKey, "argon2id hash: longer than 512 bytes"},
		"bcrypt":                               {"$2b$12$" + bcryptX, ""},
		"bcrypt by PHP":                        {"$2y$10$" + bcryptX, ""},
		"bcrypt, cut off":                      {"$2b$12$" + bcryptX[1:], "bcrypt hash: damaged: not $2b$, two digits, $ and 53 letters, digits, dots or slashes"},
		"bcrypt, too costly":                   {"$2b$15$" + bcryptX, "bcrypt hash: cost 15 is above the bound of 14"},
		"bcrypt, too cheap":                    {"$2b$03$" + bcryptX, "bcrypt hash: cost 3 is below the minimum of 4"},
		"a kind that can't be verified":        {"$6$salt$hash", "sha512-crypt hash: can't be verified here; make an argon2id hash of the password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := CheckPassword(test.stored); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestIsHash(t *testing.T) {
	for stored, want := range map[string]bool{
		"$argon2id$": true, "$2b$10$x": true, "$6$salt$hash": true, "secret": false, "$ecret": false, "": false, "argon2id$": false,
	} {
		if got := IsHash(stored); got != want {
			t.Errorf("IsHash(%q): got %v, want %v", stored, got, want)
		}
	}
}

func TestHashPassword(t *testing.T) {
	one, err := HashPassword("open sesame")
	if err != nil {
		t.Fatal(err)
	}
	two, err := HashPassword("open sesame")
	if err != nil || one == two {
		t.Errorf("twice the same hash, %v: the salt is not random", err)
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(one, want) || CheckPassword(one) != nil {
		t.Errorf("got %q, want it to begin with %q and to pass the check", one, want)
	}
	if _, err := HashPassword(""); err == nil {
		t.Error("an empty password got a hash")
	}
}

// TestHashesOfOthers verifies hashes that other programs have made.
func TestHashesOfOthers(t *testing.T) {
	for stored, password := range map[string]string{
		// The reference implementation's own test (phc-winner-argon2, src/test.c).
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4": "password",
		"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc": "password",
		// OpenBSD's vectors as kept in x/crypto/bcrypt and jBCrypt.
		"$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe": "a",
		"$2y$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe": "a",
	} {
		v, err := newVerifier(stored)
		if err != nil {
			t.Errorf("%s: %v", stored, err)
			continue
		}
		if !v.matches(password) || v.matches(password+"x") {
			t.Errorf("%s: the right password is not told from a wrong one", stored)
		}
	}
}

// FuzzCheckPassword holds that whatever is accepted can be verified, within the
// bounds. Costly hashes are only parsed.
func FuzzCheckPassword(f *testing.F) {
	for _, seed := range []string{
		"", "plain", "$", "$argon2id$", cheap,
		"$argon2id$v=19$m=4294967295,t=4294967295,p=255$" + phcSalt + "$" + phcKey, "$2b$04$" + bcryptX, "$2a$31$" + bcryptX, "$2y$", "$6$x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		if CheckPassword(stored) != nil || !IsHash(stored) {
			return
		}
		v, err := parseHash(stored)
		if err != nil {
			t.Fatalf("accepted, but not parsed: %v", err)
		}
		if v.memory() > maxMemory {
			t.Fatalf("memory: got %d KiB, want at most %d", v.memory(), maxMemory)
		}
		switch h := v.(type) {
		case argon2id:
			if h.cost[memoryCost] > 256 {
				return
			}
		case bcryptHash:
			if cost, err := bcrypt.Cost([]byte(h)); err != nil || cost > 5 {
				return
			}
		}
		v.matches("anything")
	})
}
