//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
)

// get downloads a file and has the kernel throw it away.
func get(name func(number int) string, size int64) operation {
	return func(ctx context.Context, w *worker, n int) error {
		return w.session.transfer(ctx, "RETR "+name(n), discard(size))
	}
}

// checkGet downloads a file and compares it.
func checkGet(name func(number int) string) operation {
	return func(ctx context.Context, w *worker, n int) error {
		sum := crc32.NewIEEE()
		if err := w.session.transfer(ctx, "RETR "+name(n), into(sum)); err != nil {
			return err
		}
		return w.compare(name(n), sum.Sum32())
	}
}

// compare compares a file's checksum.
func (w *worker) compare(name string, want uint32) error {
	f, err := os.Open(w.place.files.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := sum.Sum32(); got != want {
		return fmt.Errorf("%s: checksum %08x, want %08x", name, got, want)
	}
	return nil
}

// source sends what an upload consists of.
type source func(w *worker, c channel) error

func sendBig(w *worker, c channel) error { return c.sendFile(w.place.files.path(bigName)) }

func sendSmall(w *worker, c channel) error { return c.sendBytes(w.place.files.small) }

// put uploads under a new name.
func put(from source) operation {
	return func(ctx context.Context, w *worker, n int) error {
		return w.session.transfer(ctx, "STOR "+w.upload(n), func(c channel) error { return from(w, c) })
	}
}

// putBig uploads the large file under a new name, and meanwhile takes the one before
// away: what piled up would be memory that nobody has used yet, which the host has to
// give first, and who is faster would pay for more of it.
func putBig(ctx context.Context, w *worker, n int) error {
	if n > 0 {
		go os.Remove(w.place.files.path(w.upload(n - 1)))
	}
	return put(sendBig)(ctx, w, n)
}

// upload is a name that no other worker and no other number has.
func (w *worker) upload(n int) string { return fmt.Sprintf("up/%d-%d", w.id, n) }

// checkPut uploads a file and compares what the disk has with it.
func checkPut(from source, name string) operation {
	return func(ctx context.Context, w *worker, n int) error {
		if err := put(from)(ctx, w, n); err != nil {
			return err
		}
		stored, err := os.Open(w.place.files.path(w.upload(n)))
		if err != nil {
			return err
		}
		defer stored.Close()
		sum := crc32.NewIEEE()
		if _, err := io.Copy(sum, stored); err != nil {
			return err
		}
		return w.compare(name, sum.Sum32())
	}
}

// list lists a folder.
func list(verb string, entries int) operation {
	const shortest = len("IMG_2026_000000.jpg\r\n")
	return func(ctx context.Context, w *worker, _ int) error {
		return w.session.transfer(ctx, verb+" "+folderName(entries), discard(int64(shortest*entries)))
	}
}

// checkList lists a folder and counts its lines.
func checkList(verb string, entries int) operation {
	return func(ctx context.Context, w *worker, _ int) error {
		var text bytes.Buffer
		if err := w.session.transfer(ctx, verb+" "+folderName(entries), into(&text)); err != nil {
			return err
		}
		if got := bytes.Count(text.Bytes(), []byte(".jpg\r\n")); got != entries {
			return fmt.Errorf("%s lists %d entries, want %d", verb, got, entries)
		}
		return nil
	}
}

// enter logs in and leaves.
func enter(secure bool) operation {
	return func(ctx context.Context, w *worker, _ int) error {
		s, err := logIn(ctx, w.server, w.from, secure)
		if err != nil {
			return err
		}
		return s.quit()
	}
}

// enterSlowly is the same by the account whose password is hashed as it should be.
func enterSlowly(ctx context.Context, w *worker, _ int) error {
	if w.server.slow == "" {
		return errors.New("it has no argon2id for its accounts here")
	}
	s, err := connect(ctx, w.server.at, w.from)
	if err != nil {
		return err
	}
	if err := s.login(w.server.slow); err != nil {
		s.close()
		return err
	}
	return s.quit()
}

// ask has the bare server do something with the large file, and throws away what
// comes, at least so many bytes.
func ask(what string, least int64) operation {
	return func(ctx context.Context, w *worker, _ int) error {
		return w.bare(ctx, what, bigName, discard(least))
	}
}

// askStore has the bare server store the large file. Its end of the connection
// comes when it has.
func askStore(ctx context.Context, w *worker, n int) error {
	return w.bare(ctx, bareStore, w.upload(n), func(c channel) error {
		if err := sendBig(w, c); err != nil {
			return err
		}
		if err := c.tcp.CloseWrite(); err != nil {
			return err
		}
		_, err := c.discardBytes(0)
		return err
	})
}

// askLook has the bare server look at each entry of a folder, "." and ".." as well.
func askLook(entries int) operation {
	return func(ctx context.Context, w *worker, _ int) error {
		return w.bare(ctx, bareLook, folderName(entries), func(c channel) error {
			var found bytes.Buffer
			if err := into(&found)(c); err != nil {
				return err
			}
			if want := fmt.Sprint(entries + 2); found.String() != want {
				return fmt.Errorf("bare %s finds %q entries, want %s", bareLook, &found, want)
			}
			return nil
		})
	}
}

func (w *worker) bare(ctx context.Context, what, name string, move func(channel) error) error {
	s, err := connect(ctx, w.server.at, w.from)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.send(what + " " + name); err != nil {
		return err
	}
	return move(channel{tcp: s.conn.(*net.TCPConn)})
}
