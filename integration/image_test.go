//go:build linux

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/jlaffaye/ftp"

	"natftpd/integration/lab"
)

// image is what buildah makes of the Dockerfile: its files and its configuration.
type image struct {
	*local
	root   string
	config imageConfig
}

type imageConfig struct {
	User, WorkingDir      string
	Env, Entrypoint, Cmd  []string
	ExposedPorts, Volumes map[string]struct{}
	Healthcheck           struct{ Test []string }
}

// nobodys is whose the files are if nobody says so.
const nobodys = 65532

func buildImage(t *testing.T) *image {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for buildah and chroot")
	}
	lab.RequireTools(t, map[string]string{"buildah": "buildah", "setpriv": "util-linux", "unshare": "util-linux"})
	dir := t.TempDir()
	mustRun(t, "../packaging/docker/build", dir)
	text, err := os.ReadFile(filepath.Join(dir, "image.json"))
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		Docker struct{ Config imageConfig }
	}
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	return &image{local: configureLocal(t, "active_mode: true"), root: filepath.Join(dir, "root"), config: known.Docker.Config}
}

// container is a way to run the image: the capabilities of its first process, that
// process's user and group, and further variables.
type container struct {
	capabilities []string
	user         int
	env          []string
}

// composed is what a compose file says, which is to confine the container.
func composed(t *testing.T, file string) container {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "packaging", "docker", file))
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services struct {
			Natftpd struct {
				ReadOnly    bool     `yaml:"read_only"`
				SecurityOpt []string `yaml:"security_opt"`
				CapDrop     []string `yaml:"cap_drop"`
				CapAdd      []string `yaml:"cap_add"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	c := compose.Services.Natftpd
	if !c.ReadOnly || !slices.Contains(c.SecurityOpt, "no-new-privileges:true") || !slices.Equal(c.CapDrop, []string{"ALL"}) {
		t.Errorf("%s does not confine the container: %+v", file, c)
	}
	return container{capabilities: c.CapAdd}
}

// confined runs a program as a container does: in a root that cannot be written to
// but for its data, and with no capabilities but those that are given.
const confined = `set -e
root=$1 capabilities=$2 user=$3 dir=$4
shift 4
mount --bind "$root" "$root"
mount --bind "$root/data" "$root/data"
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs --bounding-set "-all,+sys_chroot$capabilities" \
	unshare --root "$root" --wd "$dir" --setgid "$user" --setuid "$user" "$@"`

// command is one of the image's, with a user from the environment alone.
func (i *image) command(c container, args ...string) *exec.Cmd {
	var capabilities strings.Builder
	for _, name := range c.capabilities {
		capabilities.WriteString(",+" + strings.ToLower(name))
	}
	args = append([]string{"--mount", "sh", "-c", confined, "sh", i.root, capabilities.String(), fmt.Sprint(c.user), i.config.WorkingDir}, args...)
	cmd := exec.Command("unshare", args...)
	passive := fmt.Sprintf("%d-%d", i.addr.Port()+1, i.addr.Port()+5)
	cmd.Env = append(append(slices.Clone(i.config.Env), "NATFTPD_USER=alice", "NATFTPD_PASSWORD="+password, "NATFTPD_FTP_LISTEN="+i.addr.String(),
		"NATFTPD_FTP_PASSIVE_PORTS="+passive, "NATFTPD_NAT_PORT_MAPPING=off", "NATFTPD_NAT_STUN_SERVERS=[]", "NATFTPD_STATUS_LISTEN=off"), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// newVolume gives the container an empty /data, as somebody's.
func (i *image) newVolume(t *testing.T, uid int) {
	t.Helper()
	data := filepath.Join(i.root, "data")
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, uid, uid); err != nil {
		t.Fatal(err)
	}
}

// uploads sends a file, and tells whose it is on the volume.
func (i *image) uploads(t *testing.T, name string) (uid, gid int) {
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
	return int(stat.Uid), int(stat.Gid)
}

// identity are the real, effective, saved and file system numbers of all threads, the
// further groups, and the capabilities.
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

func TestTheImageOfTheDockerfile(t *testing.T) {
	i := buildImage(t)
	t.Run("holds the binary, certificates and an empty volume", i.holdsLittle)
	t.Run("tells a runtime how to run it", i.tellsARuntime)
	compose := composed(t, "compose.yaml")
	i.runs(t, "as the Dockerfile says", compose, nobodys, nobodys)
	compose.env = []string{"PUID=1234", "PGID=4321"}
	i.runs(t, "as whom PUID and PGID name", compose, 1234, 4321)
	bridge := composed(t, "compose.bridge.yaml")
	bridge.env = compose.env
	i.runs(t, "as whom PUID and PGID name, behind a bridge", bridge, 1234, 4321)
	i.runs(t, "as whom --user names", container{[]string{"setuid", "setgid"}, 1234, []string{"PUID=99"}}, 1234, 1234)
	for name, env := range map[string]string{"a name for a number": "PUID=alice", "a group without a user": "PUID="} {
		t.Run(name, func(t *testing.T) {
			compose.env = []string{env}
			cmd := i.command(compose, i.config.Entrypoint...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "natftpd: ") {
				t.Errorf("%v, %s; want exit code 3 and what to write", err, out)
			}
		})
	}
}

func (i *image) holdsLittle(t *testing.T) {
	var got []string
	err := filepath.WalkDir(i.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == i.root {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		got = append(got, fmt.Sprintf("%s %d:%d %s", info.Mode(), stat.Uid, stat.Gid, strings.TrimPrefix(path, i.root)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"drwxr-xr-x 65532:65532 /data",
		"drwxr-xr-x 0:0 /etc",
		"drwxr-xr-x 0:0 /etc/ssl",
		"drwxr-xr-x 0:0 /etc/ssl/certs",
		"-rw-r--r-- 0:0 /etc/ssl/certs/ca-certificates.crt",
		"-rwxr-xr-x 0:0 /natftpd",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (i *image) tellsARuntime(t *testing.T) {
	want := imageConfig{
		WorkingDir: "/data", Entrypoint: []string{"/natftpd"}, Cmd: []string{},
		Env:          []string{i.config.Env[0], "PUID=65532", "PGID=65532", "NATFTPD_STATE_DIR=/data/state"}, // PATH is buildah's
		ExposedPorts: map[string]struct{}{"2121/tcp": {}, "50000-50009/tcp": {}},
		Volumes:      map[string]struct{}{"/data": {}},
	}
	want.Healthcheck.Test = []string{"CMD", "/natftpd", "healthcheck"}
	if !reflect.DeepEqual(i.config, want) {
		t.Errorf("got  %+v\nwant %+v", i.config, want)
	}
}

// runs starts it with a new volume, looks whose the files are that clients upload, and
// ends it.
func (i *image) runs(t *testing.T, name string, c container, uid, gid int) {
	t.Run(name, func(t *testing.T) {
		owner := nobodys
		if c.user != 0 {
			owner = c.user // the operator has made the volume
		}
		i.newVolume(t, owner)
		c.env = append(slices.Clone(c.env), "TZ=Asia/Tokyo")
		i.run(t, i.command(c, i.config.Entrypoint...))
		if gotUID, gotGID := i.uploads(t, "new"); gotUID != uid || gotGID != gid {
			t.Errorf("the file is %d:%d's, want %d:%d", gotUID, gotGID, uid, gid)
		}
		four := func(n int) string { return strings.TrimSpace(strings.Repeat(fmt.Sprint(n, " "), 4)) }
		for _, line := range i.identity(t) {
			switch line {
			case four(uid), four(gid), fmt.Sprint(gid), "", "0000000000000000":
			default:
				t.Errorf("a thread of the server is still %q", line)
			}
		}
		i.AwaitLog(t, answerWithin, `time=\S+\+09:00 .*msg=login`) // the image knows time zones
		health := i.config.Healthcheck.Test[1:]
		if out, err := i.command(c, health...).CombinedOutput(); err != nil {
			t.Errorf("not healthy: %v, %s", err, out)
		}
		if code := i.Stop(t, syscall.SIGTERM, stopWithin); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		if out, err := i.command(c, health...).CombinedOutput(); err == nil {
			t.Errorf("healthy after its end: %s", out)
		}
	})
}
