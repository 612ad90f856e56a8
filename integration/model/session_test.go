package model

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"
)

// patience bounds each exchange, on a slow machine under the race detector.
const patience = 30 * time.Second

// session is a client that is logged in.
type session struct {
	*textproto.Conn
	socket net.Conn
	tls    *tls.Config // nil: in clear
	active bool        // data connections by PORT, or else by EPSV
	trace  []string    // what was last said, for failures
}

func (s *service) dial(secure, active bool) (*session, error) {
	socket, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		return nil, err
	}
	c := &session{Conn: textproto.NewConn(socket), socket: socket, active: active}
	if _, _, err = c.reply(); err == nil && secure {
		err = c.secure(s.tls)
	}
	for _, command := range []string{"USER " + user, "PASS " + password, "TYPE I"} {
		if err == nil {
			err = c.must("%s", command)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// secure makes TLS of the control connection, and of all data connections.
func (c *session) secure(cfg *tls.Config) error {
	if err := c.must("AUTH TLS"); err != nil {
		return err
	}
	channel := tls.Client(c.socket, cfg)
	if err := channel.Handshake(); err != nil {
		return err
	}
	c.socket, c.Conn, c.tls = channel, textproto.NewConn(channel), cfg
	if err := c.must("PBSZ 0"); err != nil {
		return err
	}
	return c.must("PROT P")
}

// ask sends a command and returns its reply. An error is one of the network's.
func (c *session) ask(format string, args ...any) (code int, text string, err error) {
	if err := c.send(format, args...); err != nil {
		return 0, "", err
	}
	return c.reply()
}

func (c *session) send(format string, args ...any) error {
	c.note("> "+format, args...)
	return c.PrintfLine(format, args...)
}

func (c *session) reply() (code int, text string, err error) {
	if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, "", err
	}
	code, text, err = c.ReadResponse(0)
	c.note("< %d %s", code, text)
	return code, text, err
}

func (c *session) note(format string, args ...any) {
	const kept = 24
	c.trace = append(c.trace, fmt.Sprintf(format, args...))
	c.trace = c.trace[max(0, len(c.trace)-kept):]
}

// must asks for what cannot be refused.
func (c *session) must(format string, args ...any) error {
	code, text, err := c.ask(format, args...)
	if err == nil && code >= 400 {
		err = fmt.Errorf("%s: %d %s", fmt.Sprintf(format, args...), code, text)
	}
	return err
}

// channel is a data connection to come.
type channel struct {
	conn   net.Conn // passive
	accept net.Listener
	tls    *tls.Config
}

var port229 = regexp.MustCompile(`\(\|\|\|(\d+)\|\)`)

func (c *session) arrange() (*channel, error) {
	d := &channel{tls: c.tls}
	if c.active {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		d.accept = l
		port := l.Addr().(*net.TCPAddr).Port
		return d, c.must("PORT 127,0,0,1,%d,%d", port>>8, port&0xff)
	}
	_, text, err := c.ask("EPSV")
	if err != nil {
		return nil, err
	}
	m := port229.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("EPSV: %s", text)
	}
	d.conn, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", m[1]))
	return d, err
}

// open is the connection once the server has said 150.
func (d *channel) open() (net.Conn, error) {
	if d.conn == nil {
		conn, err := d.accept.Accept()
		if err != nil {
			return nil, err
		}
		d.conn = conn
	}
	if d.tls != nil {
		d.conn = tls.Client(d.conn, d.tls)
	}
	return d.conn, d.conn.SetDeadline(time.Now().Add(patience))
}

func (d *channel) close() {
	if d.conn != nil {
		d.conn.Close()
	}
	if d.accept != nil {
		d.accept.Close()
	}
}

// transfer runs commands, the last of which moves data, and what is done with the
// data connection. It returns the last reply.
func (c *session) transfer(commands []string, do func(net.Conn) error) (int, error) {
	d, err := c.arrange()
	if err != nil {
		return 0, err
	}
	defer d.close()
	for i, command := range commands {
		code, _, err := c.ask("%s", command)
		if err != nil || code >= 400 {
			return code, err
		}
		if i < len(commands)-1 {
			continue
		}
		conn, err := d.open()
		if err != nil {
			return 0, err
		}
		if err := do(conn); err != nil {
			return 0, fmt.Errorf("%s: data connection: %w", command, err)
		}
	}
	code, _, err := c.reply()
	return code, err
}

func (c *session) upload(content []byte, commands ...string) (int, error) {
	return c.transfer(commands, func(conn net.Conn) error {
		if channel, ok := conn.(*tls.Conn); ok { // an empty file has no Write to do it
			if err := channel.Handshake(); err != nil {
				return err
			}
		}
		if _, err := conn.Write(content); err != nil {
			return err
		}
		return conn.Close()
	})
}

func (c *session) download(commands ...string) (content []byte, code int, err error) {
	code, err = c.transfer(commands, func(conn net.Conn) error {
		content, err = io.ReadAll(conn)
		return err
	})
	return content, code, err
}

// abort begins a transfer, does a part of it and ends it by ABOR. The replies are
// the transfer's and ABOR's (RFC 959, section 4.1.3).
func (c *session) abort(command string, part func(net.Conn) error) (codes [2]int, err error) {
	codes[0], err = c.transfer([]string{command}, func(conn net.Conn) error {
		if err := part(conn); err != nil {
			return err
		}
		return c.send("ABOR")
	})
	if err == nil && codes[0] != 550 {
		codes[1], _, err = c.reply()
	}
	return codes, err
}

// fact is an entry of MLSD (RFC 3659, section 7).
type fact struct{ kind, size, modify string }

// entries lists a folder without itself and what it lies in.
func (c *session) entries(folder string) (map[string]fact, int, error) {
	text, code, err := c.download("MLSD " + folder)
	all := map[string]fact{}
	for line := range strings.Lines(string(text)) {
		facts, name, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		var f fact
		for one := range strings.SplitSeq(facts, ";") {
			key, value, _ := strings.Cut(one, "=")
			switch strings.ToLower(key) {
			case "type":
				f.kind = value
			case "size":
				f.size = value
			case "modify":
				f.modify = value
			}
		}
		if slices.Contains([]string{"file", "dir"}, f.kind) {
			all[name] = f
		}
	}
	return all, code, err
}
