package cmd

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/term"

	"natftpd/driver"
)

// hashPassword reads a password, without showing it on a terminal, and prints
// its hash.
func (p *program) hashPassword() error {
	password, err := p.readPassword()
	if err != nil {
		return err
	}
	if password == "" {
		return errors.New("the password is empty; type one, or redirect it: natftpd hash-password < FILE")
	}
	hash, err := driver.HashPassword(password)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, hash)
	return err
}

func (p *program) readPassword() (string, error) {
	if f, ok := p.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		defer fmt.Fprintln(p.err)
		return p.typedPassword(int(f.Fd()))
	}
	line, err := bufio.NewReader(io.LimitReader(p.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// typedPassword reads from a terminal, which shows again what is typed also when a
// signal ends it.
func (p *program) typedPassword(terminal int) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	fmt.Fprint(p.err, "Password: ")
	var password []byte
	typed := make(chan error, 1)
	go func() {
		var err error
		password, err = term.ReadPassword(terminal)
		typed <- err
	}()
	select {
	case err := <-typed:
		return string(password), err
	case <-ctx.Done(): // whoever still reads ends with the program
		return "", errors.Join(errors.New("interrupted; there is no hash"), term.Restore(terminal, before))
	}
}

// firstUser is the one who may log in when nobody configured anybody, and firstHome
// is where.
const (
	firstUser = "ftp"
	firstHome = "./share"
)

// firstPassword returns what user ftp has to type, as a hash, when there is no
// configuration at all. The password is made at the first start, returned to be
// shown that once, and kept only as a hash, in the file that is named.
func firstPassword(stateDir string) (hash, shown, file string, err error) {
	file = filepath.Join(stateDir, "ftp-password")
	kept, err := os.ReadFile(file)
	if err == nil {
		hash = strings.TrimSpace(string(kept))
		if errCheck := driver.CheckPassword(hash); errCheck != nil || !driver.IsHash(hash) {
			return "", "", file, fmt.Errorf("%s holds no password hash; remove it, and a new password is made", file)
		}
		return hash, "", file, nil
	}
	shown = rand.Text()[:16] // 80 bits
	hash, err = driver.HashPassword(shown)
	if err != nil {
		return "", "", file, err
	}
	if err := keep(file, hash+"\n"); err != nil {
		return hash, shown, "", nil // it holds for this run; the caller says so
	}
	return hash, shown, file, nil
}

// keep writes a secret that is not there yet.
func keep(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		err = errors.Join(err, os.Remove(file)) // the next start would take it for whole
	}
	return err
}
