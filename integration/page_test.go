//go:build linux

package integration

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natftpd/integration/browser"
	"natftpd/integration/lab"
)

// The page as its owner sees it, on the server: all that happens in the network comes
// to it by itself, and its buttons reach the running server.
func TestThePageFollowsTheNetwork(t *testing.T) {
	t.Parallel()
	lab.RequireTools(t, map[string]string{"lftp": "lftp"})
	l := lab.New(t, lab.Options{UPnP: lab.IGD1})
	s := serve(t, l.Server, 2121, l.STUN)
	page := browser.Open(t, l.Server.Command, "http://127.0.0.1:8021/")
	page.Until(`document.querySelector("#verdict h1").textContent === "Friends on the internet can connect."`)
	page.Until(addressIs(lab.WANAddr, s.port))
	page.Until(`document.querySelectorAll("#passive .cells .free").length === 10`)
	page.Eval(`window.loaded = "once"`)

	slowUpload(t, l.Neighbour, s)
	const bar = `document.querySelector("#transfers progress").value`
	page.Until(bar + ` > 0`)
	page.Eval(`window.before = ` + bar)
	page.Until(bar + ` > window.before && ` + bar + ` < 100`)
	page.Must(`document.querySelectorAll("#passive .cells .in-use").length === 1`, "the upload's port is not shown as in use")

	next := netip.MustParseAddr("11.22.5.1")
	l.Router.ChangeWAN(t, next)
	page.Until(addressIs(next, s.port))
	page.Until(`document.getElementById("timeline").textContent.includes("External address changed")`)
	page.Eval(`window.before = ` + bar)
	page.Until(bar + ` > window.before`)

	page.Eval(`document.querySelector("#sessions button").click()`)
	page.Until(`document.getElementById("sessions").textContent.includes("Nobody is connected")`)
	page.Until(`document.getElementById("transfers").textContent.includes("Nothing moves")`)

	page.Eval(`document.querySelector("#doctor-form button").click()`)
	page.Until(`document.getElementById("doctor").textContent.includes("` + next.String() + `")`)
	page.Must(`document.getElementById("doctor").textContent.startsWith("reachable")`, "doctor found otherwise")
	page.Must(`window.loaded === "once"`, "the page was loaded again")
	for _, m := range page.Mistakes() {
		t.Errorf("the browser says: %s", m)
	}
}

// addressIs is true of a page that shows the address to give to friends.
func addressIs(addr netip.Addr, port uint16) string {
	return fmt.Sprintf(`document.getElementById("address").textContent === "ftp://%s"`, netip.AddrPortFrom(addr, port))
}

// slowUpload has lftp, which can say beforehand how large a file is (ALLO), send one
// that takes a minute.
func slowUpload(t *testing.T, h *lab.Host, s *server) {
	t.Helper()
	const size, perSecond = 6 << 20, 100 << 10
	dir := t.TempDir()
	file := filepath.Join(dir, "film.mkv")
	if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := h.Command("lftp", "--norc", "-c", strings.Join([]string{
		"set cmd:fail-exit yes", "set net:max-retries 1", "set ssl:verify-certificate no", "set ftp:use-allo yes", fmt.Sprintf("set net:limit-rate %d", perSecond),
		fmt.Sprintf("open -u %q,%q ftp://%s", user, password, s.at(lab.ServerAddr)), fmt.Sprintf("put %q", file),
	}, "; "))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	lab.Start(t, "lftp", cmd)
}
