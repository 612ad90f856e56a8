//go:build linux

package browser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// answerWithin is far above what the browser takes for anything; it bounds Until,
// too.
const answerWithin = time.Minute

// pipe is the debugging protocol: requests one way, answers and events the other,
// each JSON with a zero byte behind it.
type pipe struct {
	to   io.Writer
	gone chan struct{} // closed when the browser has ended

	mu       sync.Mutex
	session  string // of the page; "": the browser itself is spoken to
	last     int
	waiting  map[int]chan message
	mistakes []string
}

type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Params json.RawMessage `json:"params"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func newPipe(to io.Writer, from io.Reader) *pipe {
	p := &pipe{to: to, gone: make(chan struct{}), waiting: make(map[int]chan message)}
	go p.listen(bufio.NewReader(from))
	return p
}

// listen takes what the browser says, until it ends.
func (p *pipe) listen(from *bufio.Reader) {
	defer close(p.gone)
	for {
		text, err := from.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		p.mu.Lock()
		switch m.Method {
		case "Log.entryAdded", "Runtime.exceptionThrown":
			p.mistakes = append(p.mistakes, string(m.Params))
		}
		answer := p.waiting[m.ID]
		delete(p.waiting, m.ID)
		p.mu.Unlock()
		if answer != nil {
			answer <- m
		}
	}
}

// call has the browser do something, and waits until it is done.
func (p *pipe) call(method string, params, result any) error {
	answer, err := p.send(method, params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m := <-answer:
		switch {
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-p.gone:
		err = errors.New("the browser has ended")
	case <-time.After(answerWithin):
		err = errors.New("no answer")
	}
	return fmt.Errorf("%s: %w", method, err)
}

// ended says whether the browser has ended.
func (p *pipe) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

func (p *pipe) send(method string, params any) (<-chan message, error) {
	p.mu.Lock()
	p.last++
	request := map[string]any{"id": p.last, "method": method}
	if params != nil {
		request["params"] = params
	}
	if p.session != "" {
		request["sessionId"] = p.session
	}
	answer := make(chan message, 1)
	p.waiting[p.last] = answer
	p.mu.Unlock()
	text, err := json.Marshal(request)
	if err == nil {
		_, err = p.to.Write(append(text, 0))
	}
	return answer, err
}
