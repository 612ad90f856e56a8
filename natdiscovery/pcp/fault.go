package pcp

import (
	"fmt"

	"natftpd/natdiscovery/gateway"
)

// Code is a result code (section 7.4).
type Code byte

// The result codes.
const (
	codeSuccess         Code = 0
	codeVersion         Code = 1
	codeNotAuthorized   Code = 2
	codeMalformed       Code = 3
	codeOpcode          Code = 4
	codeOption          Code = 5
	codeMalformedOption Code = 6
	codeNetwork         Code = 7
	codeNoResources     Code = 8
	codeProtocol        Code = 9
	codeQuota           Code = 10
	codeCannotProvide   Code = 11
	codeMismatch        Code = 12
	codePeers           Code = 13
)

// codes says what each code is called, and what a caller is to make of it.
var codes = map[Code]struct {
	name string
	kind error
}{
	// It did speak PCP when it was discovered.
	codeVersion: {"UNSUPP_VERSION", gateway.ErrGone},
	// Also for a mapping that was made with another nonce (section 11.3).
	codeNotAuthorized:   {"NOT_AUTHORIZED", gateway.ErrRefused},
	codeMalformed:       {"MALFORMED_REQUEST", gateway.ErrRefused},
	codeOpcode:          {"UNSUPP_OPCODE", gateway.ErrRefused},
	codeOption:          {"UNSUPP_OPTION", gateway.ErrRefused},
	codeMalformedOption: {"MALFORMED_OPTION", gateway.ErrRefused},
	codeNetwork:         {"NETWORK_FAILURE", gateway.ErrNoWAN},
	codeNoResources:     {"NO_RESOURCES", gateway.ErrFull},
	codeProtocol:        {"UNSUPP_PROTOCOL", gateway.ErrRefused},
	codeQuota:           {"USER_EX_QUOTA", gateway.ErrFull},
	// miniupnpd answers so for a port that its rules forbid, too.
	codeCannotProvide: {"CANNOT_PROVIDE_EXTERNAL", gateway.ErrConflict},
	codeMismatch:      {"ADDRESS_MISMATCH", gateway.ErrBehindNAT},
	codePeers:         {"EXCESSIVE_REMOTE_PEERS", gateway.ErrRefused},
}

// Fault is a gateway's refusal of one request, with its own code. It wraps what a
// caller decides by, such as gateway.ErrConflict.
type Fault struct {
	// Request says what was asked for, with the port.
	Request string
	// Code is the result code, like 11.
	Code Code
}

// Error names the request and the gateway's own code.
func (f *Fault) Error() string {
	name := codes[f.Code].name
	if name == "" {
		name = "not known"
	}
	meaning := f.Unwrap().Error()
	if f.Code == codeCannotProvide {
		meaning = "another host has the port, or the rules forbid it"
	}
	return fmt.Sprintf("%s: %s: result %d %s", f.Request, meaning, f.Code, name)
}

// Unwrap is what a caller decides by.
func (f *Fault) Unwrap() error {
	if kind := codes[f.Code].kind; kind != nil {
		return kind
	}
	return gateway.ErrRefused
}
