//go:build linux

package status

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/integration/browser"
)

// A thousand sessions that all transfer keep the browser busy with what has changed
// only, and whoever is about to end one of them is not disturbed.
func TestAThousandSessionsStayFluid(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	now := time.Now()
	sessions := make([]*driver.Session, 1000)
	for i := range sessions {
		sessions[i], _ = enter(t, cfg.Sessions, fmt.Sprintf("198.51.%d.%d", i/250, i%250), "bob")
		sessions[i].Begin(driver.Activity{
			Command: "STOR", Path: fmt.Sprintf("/photos/2026/IMG_%04d.jpeg", i), Size: 1e9, Since: now, Flow: steady{now, int64(1e5 + 1e3*i), true},
		})
	}
	url, stop := running(t, newServer(t, cfg))
	t.Cleanup(stop)
	page := browser.Open(t, exec.Command, url+"/")
	page.Until(`document.querySelectorAll("#sessions tbody tr").length === 1000`)
	loaded := page.Eval(`[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((sum, e) => sum + e.transferSize, 0)`)
	if n, ok := loaded.(float64); !ok || n < 10<<10 || n > 100<<10 {
		t.Errorf("up to its first paint the page took %v bytes, want at most 100 KiB", loaded)
	}
	page.Must(fmt.Sprintf(`document.querySelectorAll("#transfers li").length === %d`, mostTransfers), "what changes every second has no bound")

	page.Eval(`document.querySelectorAll("#sessions button")[500].focus();
		window.button = document.activeElement;
		window.changes = 0;
		new MutationObserver((all) => { window.changes += all.length; }).observe(document.getElementById("sessions"), { subtree: true, childList: true, attributes: true });
		window.longest = 0;
		new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration); }).observe({ type: "longtask" })`)
	sessions[0].Leave()
	enter(t, cfg.Sessions, "203.0.113.80", "carol")
	page.Until(`document.getElementById("sessions").textContent.includes("carol")`)
	page.Must(`document.querySelectorAll("#sessions tbody tr").length === 1000`, "who left is still there")
	page.Must(`document.activeElement === window.button && window.button.isConnected`, "the focus is lost")
	page.Must(`window.changes < 20`, "what has not changed was changed")
	t.Logf("first paint: %.0f bytes; one came and one left: %v changes, the longest task above 50 ms took %.0f ms", loaded, page.Eval(`window.changes`), page.Eval(`window.longest`))
}
