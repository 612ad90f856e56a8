//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"natftpd/integration/lab"
)

func TestAnUploadToAFullDiskIsRefusedAndCanBeResumed(t *testing.T) {
	s := configureLocal(t, "upload: atomic, new_sessions_per_ip: 0")
	s.startOnSmallDisk(t, 8<<20)
	for _, way := range resumptions {
		for _, file := range []string{oldFile, newFile} {
			t.Run(way.name+" of "+file, func(t *testing.T) {
				const filler = "filler.bin"
				c := s.login(t)
				c.mustSend(t, s, "STOR "+oldFile, oldContent)
				c.mustSend(t, s, "STOR "+filler, make([]byte, 6<<20))
				whole := random(t, 4<<20)
				data, err := c.open(s, "STOR "+file)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = data.Write(whole) // the server hangs up on it
				data.Close()
				if _, err := c.reply(552, "STOR on a full disk"); err != nil { // RFC 959, section 4.2
					t.Error(err)
				}
				if _, err := c.ask(250, "DELE "+filler); err != nil {
					t.Fatal(err)
				}
				s.mustShowOnly(t, oldFile)
				way.do(t, s, file, whole)
				mustHold(t, filepath.Join(s.seenHome(), file), whole)
				mustBeAlone(t, s.seenHome(), oldFile, file)
				for _, name := range names(t, s.seenHome()) {
					if _, err := s.login(t).ask(250, "DELE "+name); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// startOnSmallDisk starts natftpd with a file system of its own as alice's home.
func (s *local) startOnSmallDisk(t *testing.T, size int) {
	t.Helper()
	lab.RequireTools(t, map[string]string{"unshare": "util-linux", "mount": "mount"})
	by := []string{"unshare", "--mount"}
	if unix.Geteuid() != 0 {
		by = append(by, "--user", "--map-root-user")
	}
	mount := fmt.Sprintf("mount -t tmpfs -o size=%d tmpfs '%s'", size, s.home)
	if err := os.MkdirAll(s.home, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(by[0], append(by[1:], "sh", "-c", mount)...).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs a file system of its own: %v %s", err, out)
		}
		t.Skipf("needs a file system of its own, which this user may not mount: %v %s", err, out)
	}
	s.start(t, append(by, "sh", "-c", mount+` && exec "$@"`, "sh")...)
}

// seenHome is alice's folder as natftpd sees it, in its own mounts.
func (s *local) seenHome() string { return fmt.Sprintf("/proc/%d/root%s", s.pid, s.home) }
