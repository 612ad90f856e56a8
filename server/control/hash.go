package control

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"natftpd/driver"
)

// Hashes of files, so that a client can check what it sent or has without
// sending it again: HASH (draft-bryan-ftpext-hash) and its older relatives. They
// find transmission errors; MD5, SHA-1 and CRC32 are there for the clients that
// know nothing else.

// digest is one kind of hash.
type digest struct {
	name string
	make func() hash.Hash
}

// digests are those that there are, the default first.
var digests = [...]digest{
	{"SHA-256", sha256.New},
	{"SHA-512", sha512.New},
	{"SHA-1", sha1.New},
	{"MD5", md5.New},
	{"CRC32", func() hash.Hash { return crc32.NewIEEE() }},
}

func digestNamed(name string) int {
	return slices.IndexFunc(digests[:], func(d digest) bool { return strings.EqualFold(d.name, name) })
}

// featHash is the line of FEAT, with a star behind the chosen one.
func (s *session) featHash() string {
	text := "HASH "
	for i, d := range digests {
		text += d.name
		if i == s.digest {
			text += "*"
		}
		text += ";"
	}
	return strings.TrimSuffix(text, ";")
}

// optsHash tells or chooses the digest of HASH.
func (s *session) optsHash(name string) {
	if name != "" {
		i := digestNamed(name)
		if i < 0 {
			s.say(line(501, "Unknown digest. Choose one of those that FEAT lists."))
			return
		}
		s.digest = i
	}
	s.say(line(200, "%s", digests[s.digest].name))
}

// cmdHash hashes a whole file with the chosen digest.
func (s *session) cmdHash(name string) {
	d := digests[s.digest]
	s.hash("HASH", part{name: name, end: -1}, d, func(p part, sum string) reply {
		return line(213, "%s %d-%d %s %s", d.name, p.start, p.end, sum, name)
	})
}

// hashes is XCRC and its like: of a file, or of the part between two offsets.
func hashes(verb, digest string) func(*session, string) {
	d := digests[digestNamed(digest)]
	return func(s *session, arg string) {
		p, err := s.part(arg)
		if err != nil {
			s.say(line(501, `Use %s "path" [start [end]].`, verb))
			return
		}
		s.hash(verb, p, d, func(_ part, sum string) reply { return line(250, "%s", strings.ToUpper(sum)) })
	}
}

// part is what is to be hashed of a file.
type part struct {
	name       string
	start, end int64 // in bytes; an end of -1 is that of the file
}

// offsets are what may follow a name, quoted is a name in quotes.
var (
	offsets = regexp.MustCompile(`^(.+?)(?: ([0-9]{1,18}))?(?: ([0-9]{1,18}))?$`)
	quoted  = regexp.MustCompile(`^"((?:[^"]|"")*)"( .*)?$`)
)

// part reads a name and offsets. A name may be in quotes; what exists under the
// very name has none.
func (s *session) part(arg string) (part, error) {
	if _, err := s.home.StatWhole(s.abs(arg)); err == nil {
		return part{name: arg, end: -1}, nil
	}
	inQuotes := quoted.FindStringSubmatch(arg)
	if inQuotes != nil {
		arg = "-" + inQuotes[2]
	}
	m := offsets.FindStringSubmatch(arg)
	if m == nil || inQuotes != nil && m[1] != "-" {
		return part{}, errSyntax
	}
	p := part{name: m[1], end: -1}
	if inQuotes != nil {
		p.name = strings.ReplaceAll(inQuotes[1], `""`, `"`)
	}
	if m[2] != "" {
		p.start, _ = strconv.ParseInt(m[2], 10, 64) // at most 18 digits
	}
	if m[3] != "" {
		p.end, _ = strconv.ParseInt(m[3], 10, 64)
	}
	return p, nil
}

// hash answers with the hash of a part of a file. A large file takes minutes.
func (s *session) hash(verb string, p part, d digest, say func(part, string) reply) {
	home, name := s.home, s.abs(p.name)
	s.perform(work{shown: verb + " " + p.name, brief: true}, func() reply {
		ctx, cancel := s.abortable()
		defer cancel()
		select { // a few at once, or a client keeps every processor busy
		case s.front.hashing <- struct{}{}:
			defer func() { <-s.front.hashing }()
		case <-ctx.Done():
			return line(451, "%s was ended before its end.", verb)
		}
		sum := d.make()
		p, err := hashPart(ctx, home, name, p, sum)
		switch {
		case err == nil:
			return say(p, hex.EncodeToString(sum.Sum(nil)))
		case ctx.Err() != nil:
			return line(451, "%s was ended before its end.", verb)
		case errors.Is(err, errSyntax):
			return line(501, "The offsets are not within the file.")
		}
		return s.refusalOf(err)
	})
}

// hashPart writes a part of a file to sum, and tells which part that was.
func hashPart(ctx context.Context, home *driver.Home, name string, p part, sum io.Writer) (part, error) {
	f, err := home.Open(name)
	if err != nil {
		return p, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return p, err
	case !info.Mode().IsRegular():
		return p, &fs.PathError{Op: "hash", Path: name, Err: errors.New("not a file")}
	case p.end < 0:
		p.end = info.Size()
	}
	if p.start > p.end || p.end > info.Size() {
		return p, fmt.Errorf("%d-%d of %d bytes: %w", p.start, p.end, info.Size(), errSyntax)
	}
	_, err = io.Copy(sum, cancelled{ctx, io.NewSectionReader(f, p.start, p.end-p.start)})
	return p, err
}

// cancelled is a reader that ends with a context.
type cancelled struct {
	ctx context.Context
	io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}
