package control

import "net"

// records is a connection that carries TLS, and knows where its records end
// (RFC 8446, section 5.1), so that what follows the last one is still there for
// whoever reads after TLS has ended.
type records struct {
	net.Conn
	header [5]byte
	have   int // bytes of the header under way
	left   int // bytes of the record's body to come
	single bool
}

// oneByOne lets no Read from now on go past the end of a record. It costs a
// system call more for each.
func (r *records) oneByOne() { r.single = true }

// Read reads, and follows.
func (r *records) Read(p []byte) (int, error) {
	if r.single {
		rest := r.left
		if rest == 0 {
			rest = len(r.header) - r.have
		}
		p = p[:min(len(p), rest)]
	}
	n, err := r.Conn.Read(p)
	r.follow(p[:n])
	return n, err
}

func (r *records) follow(p []byte) {
	for len(p) > 0 {
		if r.left > 0 {
			n := min(r.left, len(p))
			r.left -= n
			p = p[n:]
			continue
		}
		n := copy(r.header[r.have:], p)
		r.have += n
		p = p[n:]
		if r.have == len(r.header) {
			r.have = 0
			r.left = int(r.header[3])<<8 | int(r.header[4])
		}
	}
}
