package nattest

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is one action that the router is asked for.
type call struct {
	service Service
	action  string
	source  netip.Addr
	args    func(name string) string
	does    Behaviour
}

// control answers SOAP actions (UPnP Device Architecture, section 3.2).
func (r *Router) control(w http.ResponseWriter, req *http.Request) {
	urn, action, ok := strings.Cut(strings.Trim(req.Header.Get("SOAPAction"), `"`), "#")
	content, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 64<<10))
	body := string(content)
	prefixed := strings.Contains(body, "<u:"+action+" ")
	if err != nil || !ok || !prefixed && !strings.Contains(body, "<"+action+" xmlns=") {
		http.Error(w, "no such action in the body", http.StatusBadRequest)
		return
	}
	does := r.count(action)
	switch {
	case does.HeaderCase && (req.ContentLength < 0 || !req.Close || !headHas(req, "\r\nSOAPAction: ")):
		w.WriteHeader(http.StatusBadRequest)
		return
	case does.PrefixedOnly && !prefixed:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case does.WebSilent:
		r.hang(req)
		return
	case does.ControlStatus != 0:
		w.WriteHeader(does.ControlStatus)
		return
	case does.ControlAnswer != nil:
		write(w, does.ControlAnswer)
		return
	}
	i, err := strconv.Atoi(path.Base(req.URL.Path))
	services := does.services()
	if err != nil || i >= len(services) || urn != services[i].urn() {
		fault(w, does, codeInvalidAction)
		return
	}
	c := call{service: services[i], action: action, does: does,
		source: netip.MustParseAddrPort(req.RemoteAddr).Addr(),
		args:   func(name string) string { return element(body, name) }}
	out, code := r.perform(c)
	if code != 0 {
		fault(w, does, code)
		return
	}
	if does.EmptyAdds && action == "AddPortMapping" {
		return
	}
	write(w, []byte(envelope(fmt.Sprintf(`<u:%sResponse xmlns:u="%s">%s</u:%sResponse>`, action, urn, out, action))))
}

// perform does an action and returns the elements of its answer, or a code.
func (r *Router) perform(c call) (string, int) {
	for _, key := range []string{c.action, c.service.Type + "#" + c.action} {
		if code := c.does.Faults[key]; code != 0 {
			return "", code
		}
	}
	switch c.action {
	case "GetStatusInfo":
		status := "Connected"
		if c.service.Down {
			status = "Disconnected"
		}
		return elements("NewConnectionStatus", status, "NewLastConnectionError", "ERROR_NONE", "NewUptime", "7"), 0
	case "GetExternalIPAddress":
		return elements("NewExternalIPAddress", r.externalText(c.service)), 0
	case "AddPortMapping", "AddAnyPortMapping", "GetSpecificPortMappingEntry", "DeletePortMapping":
		port, err := strconv.ParseUint(c.args("NewExternalPort"), 10, 16)
		switch {
		case err != nil || port == 0 || c.args("NewProtocol") != "TCP":
			return "", codeInvalidArgs
		case c.args("NewRemoteHost") != "":
			return "", codeOnlyAnyHost
		case c.action == "AddAnyPortMapping" && !strings.HasSuffix(c.service.Type, ":2"):
			return "", codeInvalidAction
		}
		return r.mapping(c, uint16(port))
	case "GetGenericPortMappingEntry":
		return r.listed(c)
	}
	return r.performFirewall(c)
}

// mapping does the actions on one entry of the table.
func (r *Router) mapping(c call, external uint16) (string, int) {
	switch c.action {
	case "DeletePortMapping":
		defer r.Notify()
		return "", r.remove(c.source, external)
	case "AddPortMapping", "AddAnyPortMapping":
		if c.does.OnlyAnyPort {
			return "", codeOnlyAnyPort
		}
		client, err := netip.ParseAddr(c.args("NewInternalClient"))
		port, err2 := strconv.ParseUint(c.args("NewInternalPort"), 10, 16)
		lease, err3 := strconv.ParseUint(c.args("NewLeaseDuration"), 10, 32)
		if err != nil || err2 != nil || err3 != nil || c.args("NewEnabled") != "1" {
			return "", codeInvalidArgs
		}
		defer r.Notify()
		anyPort := c.action == "AddAnyPortMapping"
		external, code := r.add(c.source, external, anyPort, Entry{
			Internal:    netip.AddrPortFrom(client, uint16(port)),
			Description: c.args("NewPortMappingDescription"),
		}, time.Duration(lease)*time.Second)
		if !anyPort {
			return "", code
		}
		return elements(cmp.Or(c.does.AnyPort, "NewReservedPort"), strconv.Itoa(int(external))), code
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entry(external)
	if !ok {
		return "", cmp.Or(c.does.NoEntry, codeNoSuchEntry)
	}
	return r.row(e), 0
}

// listed is the row of the table with an index.
func (r *Router) listed(c call) (string, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index, err := strconv.Atoi(c.args("NewPortMappingIndex"))
	ports := slices.Sorted(maps.Keys(r.table))
	switch {
	case err != nil:
		return "", codeInvalidArgs
	case index < len(ports):
		return elements("NewExternalPort", strconv.Itoa(int(ports[index]))) + r.row(r.table[ports[index]]), 0
	case c.does.ListEndless:
		return r.row(Entry{}), 0
	}
	return "", cmp.Or(c.does.ListEnd, codeIndexInvalid)
}

// row writes a row of the table. The caller holds mu.
func (r *Router) row(e Entry) string {
	enabled, left := "1", 0
	if e.Disabled {
		enabled = "0"
	}
	if !e.Expires.IsZero() && !r.does.HideLeases {
		left = int(e.Expires.Sub(r.now()).Round(time.Second) / time.Second)
	}
	return elements("NewInternalPort", strconv.Itoa(int(e.Internal.Port())),
		"NewInternalClient", e.Internal.Addr().String(), "NewEnabled", enabled,
		"NewPortMappingDescription", e.Description, "NewLeaseDuration", strconv.Itoa(left))
}

// externalText is the external address as a service tells it.
func (r *Router) externalText(s Service) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.External.IsValid():
		return s.External.String()
	case s.Down:
		return "0.0.0.0"
	case r.external.IsValid():
		return r.external.String()
	}
	return ""
}

// fault answers with a UPnP error (UPnP Device Architecture, section 3.2.2).
func fault(w http.ResponseWriter, does Behaviour, code int) {
	faultString, description := "<faultstring>UPnPError</faultstring>", "<errorDescription>as told to</errorDescription>"
	if does.BareFaults {
		faultString, description = "", ""
	}
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	w.WriteHeader(http.StatusInternalServerError)
	write(w, []byte(envelope(fmt.Sprintf("<s:Fault><faultcode>s:Client</faultcode>%s<detail>"+
		`<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode>%s</UPnPError>`+
		"</detail></s:Fault>", faultString, code, description))))
}

func envelope(body string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` + body + "</s:Body></s:Envelope>"
}

// element is the text of the first element of that name.
func element(body, name string) string {
	_, rest, _ := strings.Cut(body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return html.UnescapeString(text)
}

// elements writes names and texts in turn.
func elements(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<%s>%s</%s>", pairs[i], html.EscapeString(pairs[i+1]), pairs[i])
	}
	return b.String()
}
