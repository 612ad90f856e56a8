//go:build linux

package browser

import (
	"fmt"
	"slices"
	"time"
)

// attach makes the page that all calls are about from here on.
func (p *Page) attach() {
	p.t.Helper()
	var target struct{ TargetID string }
	var session struct{ SessionID string }
	p.Call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	p.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	p.mu.Lock()
	p.session = session.SessionID
	p.mu.Unlock()
	for _, domain := range []string{"Log", "Runtime", "Page"} {
		p.Call(domain+".enable", nil, nil)
	}
}

// Call calls a method of the debugging protocol for the page.
func (p *Page) Call(method string, params, result any) {
	p.t.Helper()
	if err := p.call(method, params, result); err != nil {
		p.t.Fatal(err)
	}
}

// Mistakes are what the browser's console has said so far: exceptions, what the
// page's policy forbids, what could not be loaded.
func (p *Page) Mistakes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mistakes)
}

// Eval runs a script in the page and returns what it, or its promise, comes to.
func (p *Page) Eval(script string) any {
	p.t.Helper()
	var out struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.Call("Runtime.evaluate", map[string]any{
		"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true,
	}, &out)
	if e := out.ExceptionDetails; e != nil {
		p.t.Fatalf("%.200s: %s %s", script, e.Text, e.Exception.Description)
	}
	return out.Result.Value
}

// Must fails the test when a condition does not hold of the page.
func (p *Page) Must(condition, otherwise string) {
	p.t.Helper()
	if p.Eval(condition) != true {
		p.t.Errorf("%s: %s", otherwise, condition)
	}
}

// untilWithin leaves the browser time to answer.
const untilWithin = answerWithin - 10*time.Second

// Until waits until a condition holds, which is looked at whenever the page changes.
// Until then it may as well throw.
func (p *Page) Until(condition string) {
	p.t.Helper()
	if p.Eval(fmt.Sprintf(`new Promise((done) => {
		const end = (result) => { observer.disconnect(); done(result); };
		const look = () => { try { if (%s) end(true); } catch {} };
		const observer = new MutationObserver(look);
		observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
		setTimeout(() => end(false), %d);
		look();
	})`, condition, untilWithin.Milliseconds())) != true {
		p.t.Fatalf("%s: never. The page says: %v", condition, p.Eval(`document.body.innerText`))
	}
}
