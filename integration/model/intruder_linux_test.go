package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"time"

	"natftpd/driver"
)

// paths are what intruders reach for. Above each of them something is switched.
var paths = []string{"/f", "/dir/f", "/dir/sub/f", "/dir/new", "/dir/sub/new", "/moved/f", "/dir/moved", "/dir/../dir/f", "/renamed/f"}

// folders are those that intruders list and rename.
var folders = []string{"/dir", "/dir/sub", "/moved", "/dir/moved", "/renamed", "/"}

func pick[T any](all []T) T { return all[rand.IntN(len(all))] }

// mark is what intruders write.
var mark = []byte("an intruder was here")

// escape is an attempt that saw what lies outside.
type escape struct{ attempt, name string }

func (e *escape) Error() string {
	return fmt.Sprintf("%s %s: told of what lies outside", e.attempt, e.name)
}

// intrusions are what intruders do with a home as the FTP library does. Their
// errors are refusals, or an *escape.
var intrusions = []func(*driver.Home) error{
	func(h *driver.Home) error {
		name := pick(paths)
		content, err := readFrom(h, name)
		if bytes.Contains(content, []byte(canary)) {
			return &escape{"read", name}
		}
		return err
	},
	func(h *driver.Home) error {
		name := pick(paths)
		info, err := h.Stat(name)
		if err == nil && info.Size() == canarySize {
			return &escape{"stat", name}
		}
		return err
	},
	func(h *driver.Home) error {
		folder := pick(folders)
		all, err := h.ReadDir(folder)
		for _, info := range all {
			if info.Name() == onlyOutside || info.Size() == canarySize {
				return &escape{"list", folder}
			}
		}
		return err
	},
	func(h *driver.Home) error { return writeTo(h, pick(paths), os.O_CREATE|os.O_TRUNC, 0) },
	func(h *driver.Home) error { return writeTo(h, pick(paths), os.O_CREATE|os.O_APPEND, 0) },
	func(h *driver.Home) error { return writeTo(h, pick(paths), 0, 2) },
	func(h *driver.Home) error { return h.Rename(pick(folders), pick(folders)) },
	func(h *driver.Home) error { return h.Rename(pick(paths), pick(paths)) },
	func(h *driver.Home) error { return h.Remove(pick(paths)) },
	func(h *driver.Home) error { return h.RemoveDir(pick(folders)) },
	func(h *driver.Home) error { return h.Mkdir(pick(folders), 0) },
	func(h *driver.Home) error { return h.Chtimes(pick(paths), time.Unix(1, 0), time.Unix(1, 0)) },
	func(h *driver.Home) error { return h.Chmod(pick(paths), 0o600) },
}

func (s *service) intrude(ctx context.Context, end time.Time, done *tally) error {
	account, err := s.accounts.Login(ctx, driver.Attempt{Name: user, Password: password, Client: netip.MustParseAddr("127.0.0.1"), LAN: true})
	if err != nil {
		return err
	}
	home, err := account.Open()
	if err != nil {
		return err
	}
	defer home.Close()
	for time.Now().Before(end) {
		err := pick(intrusions)(home)
		if out := new(escape); errors.As(err, &out) {
			return out
		}
		done.count(err == nil)
	}
	return nil
}

func readFrom(home *driver.Home, name string) ([]byte, error) {
	f, err := home.GetHandle(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const enough = 1 << 16 // what is appended to all the time need not be read whole
	return io.ReadAll(io.LimitReader(f, enough))
}

func writeTo(home *driver.Home, name string, flags int, offset int64) error {
	f, err := home.GetHandle(name, os.O_WRONLY|flags, offset)
	if err != nil {
		return err
	}
	if _, err = f.Seek(offset, io.SeekStart); err == nil {
		_, err = f.Write(mark)
	}
	return errors.Join(err, f.Close())
}

// intrusionsByFTP do the same in a session. Their errors are the network's, or an
// *escape.
var intrusionsByFTP = []func(*session) (code int, err error){
	func(c *session) (int, error) {
		name := pick(paths)
		content, code, err := c.download("RETR " + name)
		if bytes.Contains(content, []byte(canary)) {
			err = &escape{"RETR", name}
		}
		return code, err
	},
	func(c *session) (int, error) {
		verb, folder := pick([]string{"LIST", "MLSD", "NLST"}), pick(folders)
		content, code, err := c.download(verb + " " + folder)
		if bytes.Contains(content, []byte(onlyOutside)) {
			err = &escape{verb, folder}
		}
		return code, err
	},
	func(c *session) (int, error) {
		name := pick(paths)
		code, text, err := c.ask("SIZE %s", name)
		if err == nil && text == fmt.Sprint(canarySize) {
			err = &escape{"SIZE", name}
		}
		return code, err
	},
	func(c *session) (int, error) { return c.upload(mark, pick([]string{"STOR ", "APPE "})+pick(paths)) },
	func(c *session) (int, error) {
		code, _, err := c.ask("RNFR %s", pick(folders))
		if err == nil && code == 350 {
			code, _, err = c.ask("RNTO %s", pick(folders))
		}
		return code, err
	},
	func(c *session) (int, error) {
		code, _, err := c.ask("%s %s", pick([]string{"DELE", "MKD", "RMD", "CWD", "SITE CHMOD 600", "MFMT 19700101000001"}), pick(paths))
		return code, err
	},
}

func (s *service) intrudeByFTP(end time.Time, secure bool, done *tally) error {
	c, err := s.dial(secure, false)
	if err != nil {
		return err
	}
	defer c.Close()
	for time.Now().Before(end) {
		code, err := pick(intrusionsByFTP)(c)
		if err != nil {
			return err
		}
		done.count(code < 400)
	}
	return nil
}
