package control

import (
	"net/netip"
	"time"
)

// Event is what a client did: a Login, a Transfer or a Ban.
type Event interface{ event() }

// Login is one that was granted.
type Login struct {
	Client netip.Addr
	User   string
	TLS    bool
}

// Transfer is one of a file that has ended, one way or the other, after its data
// connection was open.
type Transfer struct {
	Client netip.Addr
	User   string
	// Path is the file as its client sees it.
	Path string
	// Upload: else it was a download.
	Upload   bool
	Bytes    int64
	Took     time.Duration
	TLS      bool // the data connection was
	Complete bool
}

// Ban is one that begins.
type Ban struct {
	Client netip.Addr
	// User is the name of the last wrong login.
	User  string
	Until time.Time
}

func (Login) event()    {}
func (Transfer) event() {}
func (Ban) event()      {}
