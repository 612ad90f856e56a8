package upnp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"github.com/huin/goupnp/soap"

	"natftpd/natdiscovery/gateway"
)

// perform asks a service for one action (UDA 3.2): in and out are structs of
// strings named like the action's arguments, or nil. A fault comes back as
// *soap.SOAPFaultError, other errors as exchange makes them.
func (s service) perform(ctx context.Context, w *web, action string, in, out any) (netip.Addr, error) {
	x := &exchanger{web: w}
	client := soap.SOAPClient{EndpointURL: *s.control, HTTPClient: http.Client{
		Transport:     x,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	err := client.PerformActionCtx(ctx, s.urn, action, in, out)
	var fault *soap.SOAPFaultError
	switch {
	case err == nil:
		return x.answer.local, nil
	case x.err != nil:
		// goupnp turns errors into text; this is the one that it was given.
		return netip.Addr{}, x.err
	case errors.As(err, &fault) && fault.Detail.UPnPError.Errorcode != 0:
		return x.answer.local, fault
	case x.answer.status == http.StatusUnauthorized, x.answer.status == http.StatusForbidden:
		return x.answer.local, fmt.Errorf("%w: HTTP status %d", gateway.ErrRefused, x.answer.status)
	case x.answer.status != http.StatusOK && x.answer.status != http.StatusInternalServerError:
		// 404 and 405 say that the control URL is not one any more.
		return netip.Addr{}, fmt.Errorf("%w: HTTP status %d", gateway.ErrGone, x.answer.status)
	}
	// What goupnp says of it may quote the whole answer.
	return x.answer.local, fmt.Errorf("%w: HTTP status %d without the result of the action", gateway.ErrProtocol, x.answer.status)
}

// exchanger carries the one request of an action, and remembers what goupnp's
// errors leave out.
type exchanger struct {
	web    *web
	answer answer
	err    error
}

// RoundTrip implements http.RoundTripper.
func (x *exchanger) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	// Some routers compare header names by case (syncthing issue 1696), and
	// know them as miniupnpc writes them.
	req.Header["SOAPAction"] = req.Header["SOAPACTION"]
	req.Header["Content-Type"] = req.Header["CONTENT-TYPE"]
	delete(req.Header, "SOAPACTION")
	delete(req.Header, "CONTENT-TYPE")
	if x.answer, x.err = x.web.exchange(req); x.err != nil {
		return nil, x.err
	}
	return &http.Response{
		StatusCode:    x.answer.status,
		Status:        http.StatusText(x.answer.status),
		Header:        x.answer.header,
		Body:          io.NopCloser(bytes.NewReader(x.answer.body)),
		ContentLength: int64(len(x.answer.body)),
		Request:       req,
	}, nil
}
