//go:build linux

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// buildWithin is how long go run may take to compile everything.
const buildWithin = 5 * time.Minute

// section is a part of the README, by its heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the README has no section %q", heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	return part
}

// commands are the lines of a part of the README that somebody types.
func commands(part string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^    (\S.*?)(?: +#.*)?$`).FindAllStringSubmatch(part, -1) {
		list = append(list, m[1])
	}
	return list
}

// newcomer is somebody who has cloned the repository and types what the README says,
// on a machine that has no network but itself.
type newcomer struct {
	t    *testing.T
	host *lab.Host
	dir  string
	env  []string
}

func arrives(t *testing.T) newcomer {
	t.Helper()
	n := newcomer{t: t, host: lab.New(t, lab.Options{}).Server, dir: filepath.Join(t.TempDir(), "natftpd")}
	if err := os.Mkdir(n.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	clone := exec.Command("sh", "-c", `git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"`, "sh", n.dir)
	clone.Dir = ".."
	if out, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("clone: %v\n%s", err, out)
	}
	n.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY", "GOTOOLCHAIN"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		n.env = append(n.env, name+"="+strings.TrimSpace(string(value)))
	}
	return n
}

func (n newcomer) command(line string) *exec.Cmd {
	cmd := n.host.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = n.dir, n.env
	return cmd
}

// types a command and waits for its end.
func (n newcomer) types(line string) string {
	n.t.Helper()
	out, err := n.command(line).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

func TestANewcomerDoesWhatTheREADMESays(t *testing.T) {
	t.Parallel()
	n := arrives(t)
	typed := commands(section(t, "Two commands"))
	start, then := typed[0], typed[2:]
	if !strings.HasPrefix(start, "go run ") || len(then) != 2 {
		t.Fatalf("the README says %q; make this test do the same", typed)
	}
	server := lab.Start(t, "natftpd", n.command("exec "+start))
	greeting := server.AwaitLog(t, buildWithin, `password +(\S+) `)
	server.AwaitLog(t, buildWithin, `on this host +ftp://127\.0\.0\.1:2121`)
	picture := filepath.Join(n.dir, "holiday.jpg")
	if err := os.WriteFile(picture, []byte("sun"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.types(strings.ReplaceAll(then[0], "PASSWORD", greeting[1]))
	if err := os.Remove(picture); err != nil {
		t.Fatal(err)
	}
	n.types(strings.ReplaceAll(then[1], "PASSWORD", greeting[1]))
	if got, err := os.ReadFile(picture); err != nil || string(got) != "sun" {
		t.Errorf("came back: %q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(n.dir, "share", "holiday.jpg")); err != nil || string(got) != "sun" {
		t.Errorf("in ./share: %q, %v", got, err)
	}
	server.Stop(t, syscall.SIGTERM, stopWithin)
}

func TestANewcomerSetsItUpAsTheREADMESays(t *testing.T) {
	t.Parallel()
	n := arrives(t)
	typed := commands(section(t, "Set it up"))
	if len(typed) < 4 || typed[0] != "natftpd config example > natftpd.yaml" || typed[1] != "natftpd hash-password" {
		t.Fatalf("the README says %q; make this test do the same", typed)
	}
	n.types(typed[0])
	hash := strings.TrimSpace(n.types("echo secret | " + typed[1]))
	_, file, _ := strings.Cut(section(t, "Set it up"), "```yaml\n")
	file, _, _ = strings.Cut(file, "```")
	file = regexp.MustCompile(`"\$argon2id[^"]*"`).ReplaceAllLiteralString(file, `"`+hash+`"`)
	if err := os.WriteFile(filepath.Join(n.dir, "natftpd.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range typed[2:4] {
		n.types(line)
	}
}
