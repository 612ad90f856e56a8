//go:build linux

// Package browser shows a page in Chromium, for tests: it looks at it on several
// screens, waits for what it comes to say, and has axe-core judge whether everybody
// can use it. Chromium is driven by the Chrome DevTools Protocol over a pair of
// pipes, so that no port is open and what the page forbids itself by its
// Content-Security-Policy stays forbidden.
//
// The package knows nothing of this project or of what the page is about.
package browser

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"natftpd/integration/lab"
)

// Page is a page that is open in a browser of its own.
type Page struct {
	t testing.TB
	*pipe
}

// Open opens a page. The browser ends with the test, however that ends, and leaves
// nothing behind. command makes the browser's process: exec.Command, or that of a
// host in the lab.
func Open(t testing.TB, command func(program string, args ...string) *exec.Cmd, url string) *Page {
	t.Helper()
	lab.RequireTools(t, map[string]string{"chromium": "chromium"})
	dir := folder(t)
	cmd := command("chromium", "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-breakpad",
		"--no-sandbox", // root has none, nor is there anything foreign to keep in
		"--user-data-dir="+dir, "--remote-debugging-pipe", "about:blank")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	p := &Page{t, start(t, cmd)}
	p.attach()
	p.Call("Page.navigate", map[string]any{"url": url}, nil)
	return p
}

// folder is for all that the browser writes. Its name is short: the path of a socket
// in it may have 107 bytes, of which t.TempDir could take most.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// goneWithin is when the browser's processes must have ended after SIGKILL.
const goneWithin = 10 * time.Second

// start starts the browser as a process group of its own, and ends that with the
// test.
func start(t testing.TB, cmd *exec.Cmd) *pipe {
	t.Helper()
	theirIn, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirIn.Close()
	from, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirOut.Close()
	var said bytes.Buffer
	// Every process of the browser holds its standard error, so that Wait waits for
	// all of them.
	cmd.Stderr, cmd.WaitDelay = &said, goneWithin
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := newPipe(to, from)
	t.Cleanup(func() {
		ended := p.ended()
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // it may have ended by itself
		if err := cmd.Wait(); errors.Is(err, exec.ErrWaitDelay) {
			t.Errorf("chromium still has processes %v after it was killed", goneWithin)
		}
		to.Close()
		from.Close()
		if ended {
			t.Logf("chromium ended by itself:\n%s", &said)
		}
	})
	return p
}
