package driver

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// A partial is the hidden file that an atomic upload is written to, in the
// folder of its target. Its name is all there is to know about it, so it
// outlives the process without a word written down elsewhere:
//
//	.natftpd-1-<32 hexadecimal digits>.part
//	.natftpd-1-<32 hexadecimal digits>-<number>.part
//
// 1 is the version of this form; the digits are a hash of who sends and of the
// target's name in its folder, so only who sent the beginning finds it again,
// and a partial moves with its folder. The number tells uploads of one account
// to one target at the same time apart; only the one without is resumed.
// The time of its last byte is when it was last modified.
const (
	partialPrefix  = ".natftpd-"
	partialSuffix  = ".part"
	partialVersion = "1"
	partialDigits  = 32
	// maxPartials is how many uploads of an account to one target there may be
	// at the same time.
	maxPartials = 64
)

// partialName names the partial of an owner for a target. Number 0 is the one
// that is resumed.
func partialName(owner, target string, number int) string {
	who := append(strconv.AppendQuote(nil, owner), ' ')
	sum := sha256.Sum256(append(who, target...))
	key := hex.EncodeToString(sum[:partialDigits/2])
	if number > 0 {
		key += "-" + strconv.Itoa(number)
	}
	return partialPrefix + partialVersion + "-" + key + partialSuffix
}

// isPartial tells the names that belong to partials of any version, which
// clients neither see nor use. It is generous, for a file system may take
// capitals and small letters for the same, and Windows leaves dots and spaces
// at the end away.
func isPartial(name string) bool {
	if !strings.HasPrefix(name, partialPrefix[:1]) {
		return false // as most names, at once
	}
	name = strings.TrimRight(name, ". ")
	return len(name) >= len(partialPrefix)+len(partialSuffix) &&
		strings.EqualFold(name[:len(partialPrefix)], partialPrefix) &&
		strings.EqualFold(name[len(name)-len(partialSuffix):], partialSuffix)
}

// isOurPartial tells the names that partialName makes. Only these are removed
// when their time is over; the rest may be a later version's.
func isOurPartial(name string) bool {
	rest, prefixed := strings.CutPrefix(name, partialPrefix+partialVersion+"-")
	key, suffixed := strings.CutSuffix(rest, partialSuffix)
	if !prefixed || !suffixed || len(key) < partialDigits {
		return false
	}
	digits, number := key[:partialDigits], key[partialDigits:]
	if strings.Trim(digits, "0123456789abcdef") != "" {
		return false
	}
	n, err := strconv.Atoi(strings.TrimPrefix(number, "-"))
	return number == "" || err == nil && n > 0 && n < maxPartials && number == "-"+strconv.Itoa(n)
}

// hasPartial reports whether a part of a path is a partial's name.
func hasPartial(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if isPartial(part) {
			return true
		}
	}
	return false
}
