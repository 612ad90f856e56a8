package upnp

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/huin/goupnp/soap"

	"natftpd/natdiscovery/gateway"
)

// The error codes that decide something (UDA 3.2.2, WANIPC 2.5.16 to 2.5.18,
// WANIPv6FC 2.6).
const (
	codeInvalidAction      = 401
	codeInvalidArgs        = 402
	codeActionFailed       = 501
	codeOptionalAction     = 602
	codeNotAuthorized      = 606
	codePinholesExhausted  = 701
	codeFirewallDisabled   = 702
	codeInboundNotAllowed  = 703
	codeNoSuchPinhole      = 704
	codeProtocol           = 705
	codePortWildcard       = 706
	codeProtocolWildcard   = 707
	codeClientWildcard     = 708
	codeNoTraffic          = 709
	codeIndexInvalid       = 713
	codeNoSuchEntry        = 714
	codeConflict           = 718
	codeSamePorts          = 724
	codeOnlyPermanent      = 725
	codeRemoteHostWildcard = 726
	codeExternalWildcard   = 727
	codeNoMapsAvailable    = 728
	codeOtherMechanism     = 729
)

// codes says what each code is called, for routers that leave the description
// out, as the Fritz!Box does, and what a caller is to make of it.
var codes = map[int]struct {
	name string
	kind error
}{
	codeInvalidAction:      {"Invalid Action", gateway.ErrRefused},
	codeInvalidArgs:        {"Invalid Args", gateway.ErrRefused},
	codeActionFailed:       {"Action Failed", gateway.ErrRefused},
	codeOptionalAction:     {"Optional Action Not Implemented", gateway.ErrRefused},
	codeNotAuthorized:      {"Action Not Authorized", gateway.ErrRefused},
	codePinholesExhausted:  {"PinholeSpaceExhausted", gateway.ErrFull},
	codeFirewallDisabled:   {"FirewallDisabled", gateway.ErrOpen},
	codeInboundNotAllowed:  {"InboundPinholeNotAllowed", gateway.ErrNoPinholes},
	codeNoSuchPinhole:      {"NoSuchEntry", gateway.ErrNotMapped},
	codeProtocol:           {"ProtocolNotSupported", gateway.ErrRefused},
	codePortWildcard:       {"InternalPortWildcardingNotAllowed", gateway.ErrRefused},
	codeProtocolWildcard:   {"ProtocolWildcardingNotAllowed", gateway.ErrRefused},
	codeClientWildcard:     {"WildCardNotPermittedInSrcIP", gateway.ErrRefused},
	codeNoTraffic:          {"NoTrafficReceived", gateway.ErrRefused},
	codeIndexInvalid:       {"SpecifiedArrayIndexInvalid", gateway.ErrNotMapped},
	codeNoSuchEntry:        {"NoSuchEntryInArray", gateway.ErrNotMapped},
	codeConflict:           {"ConflictInMappingEntry", gateway.ErrConflict},
	codeSamePorts:          {"SamePortValuesRequired", gateway.ErrRefused},
	codeOnlyPermanent:      {"OnlyPermanentLeasesSupported", gateway.ErrRefused},
	codeRemoteHostWildcard: {"RemoteHostOnlySupportsWildcard", gateway.ErrRefused},
	codeExternalWildcard:   {"ExternalPortOnlySupportsWildcard", gateway.ErrRefused},
	codeNoMapsAvailable:    {"NoPortMapsAvailable", gateway.ErrFull},
	// A rule made by hand, or by the router's own services.
	codeOtherMechanism: {"ConflictWithOtherMechanisms", gateway.ErrRule},
}

// Fault is a gateway's refusal of one action, with its own code. It wraps what
// a caller decides by, such as gateway.ErrConflict.
type Fault struct {
	// Action is the UPnP action, like "AddPortMapping".
	Action string
	// Port is the external port that it was about; zero: none.
	Port uint16
	// Code is the UPnP error code, like 718.
	Code int
	// Description is the gateway's word for the code, or the standard's.
	Description string

	kind error
}

func newFault(action string, port uint16, f *soap.SOAPFaultError) *Fault {
	e := f.Detail.UPnPError
	known := codes[e.Errorcode]
	if known.kind == nil {
		known.kind = gateway.ErrRefused
	}
	return &Fault{
		Action: action, Port: port, Code: e.Errorcode, kind: known.kind,
		Description: cmp.Or(printable(e.ErrorDescription), known.name, "no description"),
	}
}

// Error names the action, the port and the gateway's own code.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s: %v: error %d %s", subject(f.Action, f.Port), f.kind, f.Code, f.Description)
}

// Unwrap is what a caller decides by.
func (f *Fault) Unwrap() error { return f.kind }

// subject says what was asked for.
func subject(action string, port uint16) string {
	if port == 0 {
		return "UPnP " + action
	}
	return fmt.Sprintf("UPnP %s for TCP port %d", action, port)
}

// code is the gateway's own code in err; zero: none.
func code(err error) int {
	var f *Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return 0
}

// explain says what was asked for, and where, when an action failed.
func explain(err error, action string, port uint16, s service) error {
	var fault *soap.SOAPFaultError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fault):
		return newFault(action, port, fault)
	}
	return fmt.Errorf("%s at %s: %w", subject(action, port), s.control.Host, err)
}

// because is a fault that means more than its code says.
func because(err error, kind error) error {
	var f *Fault
	if !errors.As(err, &f) {
		return err
	}
	told := *f
	told.kind = kind
	return &told
}
