//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jlaffaye/ftp"
)

// image is what the Dockerfile's last stage makes: an empty root with the static
// binary in it, and the variables that it sets.
type image struct {
	*local
	root string
	env  []string
}

func buildImage(t *testing.T) *image {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for chroot, as a container does")
	}
	text, err := os.ReadFile(filepath.Join("..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(text), "\nFROM scratch\n")
	for _, line := range []string{"COPY --from=build /out/natftpd /natftpd", "WORKDIR /data", `ENTRYPOINT ["/natftpd"]`} {
		if !strings.Contains("\n"+last, "\n"+line+"\n") {
			t.Fatalf("the Dockerfile's last stage has no line %s; make this test do what it does now:\n%s", line, last)
		}
	}
	i := &image{local: configureLocal(t, "active_mode: true"), root: t.TempDir()}
	for _, line := range regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllStringSubmatch(last, -1) {
		i.env = append(i.env, strings.Fields(line[1])...)
	}
	data := filepath.Join(i.root, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(i.root, "natftpd"), "natftpd/cmd/natftpd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return i
}

// container runs the image with a user from the environment alone.
func (i *image) container(t *testing.T, uid uint32, env ...string) {
	t.Helper()
	passive := fmt.Sprintf("%d-%d", i.addr.Port()+1, i.addr.Port()+5)
	cmd := &exec.Cmd{Path: "/natftpd", Args: []string{"/natftpd"}, Dir: "/data", SysProcAttr: &syscall.SysProcAttr{
		Chroot: i.root, Credential: &syscall.Credential{Uid: uid, Gid: uid}, Setpgid: true, Pdeathsig: syscall.SIGKILL,
	}}
	cmd.Env = append(append(i.env, "NATFTPD_USER=alice", "NATFTPD_PASSWORD="+password, "NATFTPD_FTP_LISTEN="+i.addr.String(),
		"NATFTPD_FTP_PASSIVE_PORTS="+passive, "NATFTPD_NAT_PORT_MAPPING=off", "NATFTPD_NAT_STUN_SERVERS=[]", "NATFTPD_STATUS_LISTEN=off"), env...)
	i.run(t, cmd)
}

// uploads sends a file, and tells whose it is on the volume.
func (i *image) uploads(t *testing.T, name string) (uid, gid uint32) {
	t.Helper()
	c, err := ftp.Dial(i.addr.String(), ftp.DialWithTimeout(answerWithin))
	if err == nil {
		err = c.Login(user, password)
	}
	if err == nil {
		err = c.Stor(name, bytes.NewReader([]byte("content")))
	}
	if err == nil {
		err = c.Quit()
	}
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(i.root, "data", "share", name))
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return stat.Uid, stat.Gid
}

// identity are the real, effective, saved and file system numbers of all threads, and
// the further groups.
func (i *image) identity(t *testing.T) []string {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", i.pid))
	if err != nil || len(tasks) < 2 {
		t.Fatalf("threads: %q, %v", tasks, err)
	}
	var all []string
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has just ended
		}
		for _, m := range regexp.MustCompile(`(?m)^(?:Uid|Gid|Groups|CapEff):[ \t]*(.*?)[ \t]*$`).FindAllStringSubmatch(string(status), -1) {
			all = append(all, strings.Join(strings.Fields(m[1]), " "))
		}
	}
	return all
}

func TestTheImageRunsInAnEmptyRoot(t *testing.T) {
	i := buildImage(t)
	for _, run := range []struct {
		name     string
		as       uint32
		env      []string
		uid, gid uint32
	}{
		{"as the Dockerfile says", 0, nil, 65532, 65532},
		{"as whom PUID and PGID name", 0, []string{"PUID=1234", "PGID=4321"}, 1234, 4321},
		{"as whom --user names", 1234, []string{"PUID=99"}, 1234, 1234},
	} {
		t.Run(run.name, func(t *testing.T) {
			if run.as == 1234 { // the operator's part
				if err := exec.Command("chown", "-R", "1234:1234", filepath.Join(i.root, "data")).Run(); err != nil {
					t.Fatal(err)
				}
			} else if run.uid == 1234 {
				if err := exec.Command("chown", "-R", "1234:4321", filepath.Join(i.root, "data", "share")).Run(); err != nil {
					t.Fatal(err)
				}
			}
			i.container(t, run.as, run.env...)
			uid, gid := i.uploads(t, fmt.Sprintf("by %d", run.uid))
			if uid != run.uid || gid != run.gid {
				t.Errorf("the file is %d:%d's, want %d:%d", uid, gid, run.uid, run.gid)
			}
			four := func(n uint32) string { return strings.TrimSpace(strings.Repeat(fmt.Sprint(n, " "), 4)) }
			for _, line := range i.identity(t) {
				switch line {
				case four(run.uid), four(run.gid), fmt.Sprint(run.gid), "", "0000000000000000":
				default:
					t.Errorf("a thread of the server is still %q", line)
				}
			}
			if code := i.Stop(t, syscall.SIGTERM, stopWithin); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
		})
	}
	for name, env := range map[string]string{"a name for a number": "PUID=alice", "a group without a user": "PUID="} {
		t.Run(name, func(t *testing.T) {
			cmd := &exec.Cmd{Path: "/natftpd", Args: []string{"/natftpd"}, Dir: "/data", SysProcAttr: &syscall.SysProcAttr{Chroot: i.root},
				Env: append(append([]string{}, i.env...), "NATFTPD_USER=alice", "NATFTPD_PASSWORD=x", env)}
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "natftpd: ") {
				t.Errorf("%v, %s; want exit code 3 and what to write", err, out)
			}
		})
	}
}
