//go:build linux

package status

import (
	"context"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/integration/browser"
	"natftpd/natdiscovery"
)

// leaver is a session that leaves when it is ended.
type leaver struct {
	session atomic.Pointer[driver.Session]
}

func (l *leaver) Drain() {}
func (l *leaver) Kill()  { l.session.Load().Leave() }

// news is a Status that changes.
type news struct {
	mu      sync.Mutex
	status  *natdiscovery.Status
	changed chan struct{}
}

func (n *news) become(st *natdiscovery.Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status = st
	if n.changed != nil {
		close(n.changed)
	}
	n.changed = make(chan struct{})
}

func (n *news) Status() *natdiscovery.Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

func (n *news) Changed() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

func TestInABrowserThePageLivesAndItsButtonsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	world := new(news)
	world.become(reachable())
	cfg.Status, cfg.Changed = world.Status, world.Changed
	cfg.Doctor = func(context.Context) (string, error) { return "reachable: friends dial ftp://203.0.113.57:2121\n", nil }
	alice := new(leaver)
	session, err := cfg.Sessions.Enter(reachable().External, alice)
	if err != nil {
		t.Fatal(err)
	}
	alice.session.Store(session)
	up := new(flow)
	session.Begin(driver.Activity{Command: "STOR", Path: "/film.mkv", Size: 1000, Since: time.Now(), Flow: up})
	cfg.Bans.Failed(driver.Attempt{Name: "root", Password: "guess", Client: reachable().Network.LANs[0].Addr()})

	url, stop := running(t, newServer(t, cfg))
	t.Cleanup(stop)
	page := browser.Open(t, exec.Command, url+"/")
	page.Until(`document.querySelector("#verdict h1").textContent === "Friends on the internet can connect."`)
	const bar = `document.querySelector("#transfers progress")`
	page.Eval(`window.bar = ` + bar + `; document.querySelector("#sessions button").focus()`)
	up.received.Store(640)
	page.Until(bar + `.value === 64`)
	page.Must(bar+` === window.bar`, "what did not change was made anew")
	page.Must(`document.activeElement === document.querySelector("#sessions button")`, "the focus is lost")

	page.Eval(`window.button = document.activeElement`)
	bob, _ := enter(t, cfg.Sessions, "198.51.100.9", "bob")
	page.Until(`document.getElementById("sessions").textContent.includes("bob")`)
	page.Must(`document.activeElement === window.button && window.button.isConnected`, "somebody came, and the focus is lost")
	bob.Leave()
	page.Until(`!document.getElementById("sessions").textContent.includes("bob")`)

	world.become(carrierNAT())
	page.Until(`document.title === "natftpd: Carrier NAT"`)
	page.Until(`document.getElementById("announce").textContent.includes("provider")`)
	page.Until(`document.querySelector("#path .hop.bad h3").textContent === "Carrier"`)

	page.Eval(`document.querySelector("#doctor-form button").click()`)
	page.Until(`document.getElementById("doctor").textContent.startsWith("reachable: friends dial")`)
	page.Eval(`document.querySelector("#bans button").click()`)
	page.Until(`document.getElementById("bans").textContent.includes("Nobody is kept out")`)
	page.Eval(`document.querySelector("#sessions button").click()`)
	page.Until(`document.getElementById("sessions").textContent.includes("Nobody is connected")`)
	page.Until(`document.getElementById("transfers").textContent.includes("Nothing moves")`)

	for _, m := range page.Mistakes() {
		t.Errorf("the browser says: %s", m)
	}
}
