package hooks_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"natftpd/server/hooks"
)

func TestMain(m *testing.M) {
	if as := os.Getenv("TEST_HOOK"); as != "" {
		hook(as, os.Args[1:])
		return
	}
	goleak.VerifyTestMain(m)
}

// hook is this program as the command of a hook.
func hook(as string, args []string) {
	switch as {
	case "write its environment":
		facts := map[string]string{}
		for _, e := range os.Environ() {
			if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "NATFTPD_") {
				facts[name] = value
			}
		}
		text, _ := json.Marshal(facts)
		os.WriteFile(args[0]+".new", text, 0o600)
		os.Rename(args[0]+".new", args[0])
	case "fail":
		fmt.Print(strings.Repeat("10 % done\n", 1000), "no such picture\n")
		os.Exit(3)
	case "hang with a child":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		os.Setenv("TEST_HOOK", "hang")
		p, _ := os.StartProcess(os.Args[0], os.Args, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
		os.WriteFile(args[0], []byte(fmt.Sprint(p.Pid)), 0o600)
		select {}
	default:
		time.Sleep(time.Hour)
	}
}

// at work are Hooks that run until the end of the test, and their log.
type atWork struct {
	*hooks.Hooks
	log *syncBuffer
}

func start(t *testing.T, list ...hooks.Hook) atWork {
	t.Helper()
	log := new(syncBuffer)
	h := hooks.New(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	h.Change(list)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		h.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return atWork{h, log}
}

// says waits until the log does.
func (h atWork) says(t *testing.T, want string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(h.log.String(), want) }, func() string { return "the log lacks " + want + ":\n" + h.log.String() })
}

func eventually(t *testing.T, ok func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var upload = hooks.Event{Name: "upload", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Facts: []hooks.Fact{
	{"user", "alice"}, {"path", "/a \"b\"\n$(reboot)\x00\u202e.jpg"}, {"bytes", int64(12)}, {"complete", true},
}}

// self is a hook whose command is this program.
func self(t *testing.T, as string, args ...string) hooks.Hook {
	t.Helper()
	t.Setenv("TEST_HOOK", as)
	return hooks.Hook{On: []string{"upload"}, Command: append([]string{os.Args[0]}, args...), Timeout: 20 * time.Second}
}

func TestACommandFindsTheFactsInItsEnvironment(t *testing.T) {
	t.Setenv("NATFTPD_PASSWORD", "nobody's business")
	file := filepath.Join(t.TempDir(), "facts $(touch x)")
	h := start(t, self(t, "write its environment", file))
	h.Tell(hooks.Event{Name: "download"}) // not what it is for
	h.Tell(upload)
	h.says(t, "hook done")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"NATFTPD_HOOK_EVENT": "upload", "NATFTPD_HOOK_TIME": "2026-01-02T03:04:05Z", "NATFTPD_HOOK_USER": "alice",
		"NATFTPD_HOOK_PATH": "/a \"b\"\n$(reboot)\u202e.jpg", "NATFTPD_HOOK_BYTES": "12", "NATFTPD_HOOK_COMPLETE": "true",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestACommandThatFailsIsLogged(t *testing.T) {
	h := start(t, self(t, "fail"))
	h.Tell(upload)
	h.says(t, `hook failed`)
	h.says(t, `exit status 3: it said \"no such picture\"`)
	h.Change([]hooks.Hook{{On: []string{"upload"}, Command: []string{"/no/such/program"}, Timeout: time.Second}})
	h.Tell(upload)
	h.says(t, "no such file or directory")
}

func TestACommandThatHangsIsEndedWithAllThatItStarted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	hanging := self(t, "hang with a child", file)
	hanging.Timeout = 2 * time.Second
	h := start(t, hanging)
	h.Tell(upload)
	h.says(t, "it took longer than its timeout of 2s")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	fmt.Sscan(string(text), &pid)
	eventually(t, func() bool { return ended(pid) }, func() string { return fmt.Sprintf("its child, %d, still runs", pid) })
}

// ended tells whether a process has: what nobody has waited for counts, too.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z")
}

func TestTellingNeverWaits(t *testing.T) {
	h := start(t, self(t, "hang"))
	for range 5000 {
		h.Tell(upload)
	}
}

func TestDroppedEventsAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(syncBuffer)
		h := hooks.New(slog.New(slog.NewTextHandler(log, nil)))
		h.Change([]hooks.Hook{{On: []string{"upload"}, Command: []string{"/no/such/program"}, Timeout: time.Second}})
		for range 300 {
			h.Tell(upload)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		h.Run(ctx)
		if got := strings.Count(log.String(), "events dropped"); got != 1 || !strings.Contains(log.String(), "count=44") {
			t.Errorf("got %d complaints, want one of 44 events:\n%s", got, log)
		}
	})
}

// web is a web server, and what it was sent.
type web struct {
	*httptest.Server
	requests chan request
}

type request struct {
	header http.Header
	body   []byte
}

// startWeb answers the first requests with codes, the others with 204.
func startWeb(t *testing.T, codes ...int) web {
	t.Helper()
	w := web{requests: make(chan request, 10)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.requests <- request{r.Header, body}
		code := http.StatusNoContent
		if len(codes) > 0 {
			code, codes = codes[0], codes[1:]
		}
		if code/100 == 3 {
			out.Header().Set("Location", "/elsewhere")
		}
		out.WriteHeader(code)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w web) hook() hooks.Hook {
	return hooks.Hook{On: []string{"upload"}, URL: w.URL + "/hook?token=hidden", Secret: "shared", Timeout: 10 * time.Second}
}

func TestAWebServerGetsTheFactsSigned(t *testing.T) {
	w := startWeb(t)
	h := start(t, w.hook())
	h.Tell(upload)
	r := <-w.requests
	mac := hmac.New(sha256.New, []byte("shared"))
	mac.Write(r.body)
	if got, want := r.header.Get(hooks.SignatureHeader), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("signature: got %s, want %s", got, want)
	}
	var got map[string]any
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	want := map[string]any{"event": "upload", "time": "2026-01-02T03:04:05Z", "user": "alice",
		"path": "/a \"b\"\n$(reboot)\x00\u202e.jpg", "bytes": 12.0, "complete": true}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	h.says(t, "hook done")
}

func TestARedirectIsNotFollowed(t *testing.T) {
	w := startWeb(t, http.StatusTemporaryRedirect)
	h := start(t, w.hook())
	h.Tell(upload)
	h.says(t, "redirects are not followed")
	if got := len(w.requests); got != 1 {
		t.Errorf("%d requests, want one", got)
	}
	if strings.Contains(h.log.String(), "hidden") {
		t.Errorf("the log shows the token:\n%s", h.log)
	}
}

func TestAWebServerThatIsSilentHoldsUpNoCommand(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	file := filepath.Join(t.TempDir(), "facts")
	h := start(t, hooks.Hook{On: []string{"upload"}, URL: "http://" + silent.Addr().String(), Timeout: time.Hour}, self(t, "write its environment", file))
	for range 20 {
		h.Tell(upload)
	}
	h.says(t, "hook done")
}
