package status

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"natftpd/driver"
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
	page := browse(t, url+"/")
	page.until(`document.querySelector("#verdict h1")?.textContent === "Friends on the internet can connect."`)
	page.until(`document.getElementById("live")?.dataset.state === "on"`)

	const bar = `document.querySelector("#transfers progress")`
	page.eval(`window.bar = ` + bar + `; document.querySelector("#sessions button").focus()`)
	up.received.Store(640)
	page.until(bar + `.value === 64`)
	if page.eval(bar+` === window.bar && document.activeElement === document.querySelector("#sessions button")`) != true {
		t.Error("what did not change was made anew, or the focus is lost")
	}

	page.eval(`window.button = document.activeElement`)
	bob, _ := enter(t, cfg.Sessions, "198.51.100.9", "bob")
	page.until(`document.getElementById("sessions").textContent.includes("bob")`)
	if page.eval(`document.activeElement === window.button && window.button.isConnected`) != true {
		t.Error("somebody came, and the focus is lost")
	}
	bob.Leave()
	page.until(`!document.getElementById("sessions").textContent.includes("bob")`)

	world.become(carrierNAT())
	page.until(`document.title === "natftpd: Carrier NAT"`)
	page.until(`document.getElementById("announce").textContent.includes("provider")`)
	page.until(`document.querySelector("#path .hop.bad h3").textContent === "Carrier"`)

	page.eval(`document.querySelector("#doctor-form button").click()`)
	page.until(`document.getElementById("doctor").textContent.startsWith("reachable: friends dial")`)
	page.eval(`document.querySelector("#bans button").click()`)
	page.until(`document.getElementById("bans").textContent.includes("Nobody is kept out")`)
	page.eval(`document.querySelector("#sessions button").click()`)
	page.until(`document.getElementById("sessions").textContent.includes("Nobody is connected")`)
	page.until(`document.getElementById("transfers").textContent.includes("Nothing moves")`)

	if page.eval(`document.documentElement.scrollWidth <= innerWidth`) != true {
		t.Error("the page is wider than its window")
	}
	page.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true}, nil)
	if page.eval(`document.documentElement.scrollWidth <= 360`) != true {
		t.Error("the page is wider than a phone")
	}
	page.mu.Lock()
	defer page.mu.Unlock()
	for _, m := range page.mistakes {
		t.Errorf("the browser says: %s", m)
	}
}
