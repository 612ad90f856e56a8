package natpmp

import (
	"fmt"

	"natftpd/natdiscovery/gateway"
)

// Code is a result code (section 3.5).
type Code uint16

// The result codes.
const (
	codeSuccess     Code = 0
	codeVersion     Code = 1
	codeRefused     Code = 2
	codeNetwork     Code = 3
	codeNoResources Code = 4
	codeOpcode      Code = 5
)

// codes says what each code is called, and what a caller is to make of it.
var codes = map[Code]struct {
	name string
	kind error
}{
	// It did speak NAT-PMP when it was discovered.
	codeVersion:     {"unsupported version", gateway.ErrGone},
	codeRefused:     {"not authorized or refused", gateway.ErrRefused},
	codeNetwork:     {"network failure", gateway.ErrNoWAN},
	codeNoResources: {"out of resources", gateway.ErrFull},
	codeOpcode:      {"unsupported opcode", gateway.ErrRefused},
}

// Fault is a gateway's refusal of one request, with its own code. It wraps what a
// caller decides by, such as gateway.ErrRefused.
type Fault struct {
	// Request says what was asked for, with the port.
	Request string
	// Code is the result code, like 2.
	Code Code
}

// Error names the request and the gateway's own code.
func (f *Fault) Error() string {
	name := codes[f.Code].name
	if name == "" {
		name = "not known"
	}
	return fmt.Sprintf("%s: %v: result %d, %s", f.Request, f.Unwrap(), f.Code, name)
}

// Unwrap is what a caller decides by. A code that the RFC does not know is a
// failure of the request for good (section 3.5).
func (f *Fault) Unwrap() error {
	if kind := codes[f.Code].kind; kind != nil {
		return kind
	}
	return gateway.ErrRefused
}
