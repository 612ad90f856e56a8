package nattest

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
)

const udn = "uuid:6e617466-7470-6400-8000-000000000001"

// describe serves the device description (UPnP Device Architecture, 2.3).
func (r *Router) describe(w http.ResponseWriter, req *http.Request) {
	does := r.count("GET")
	if does.VersionByAgent && strings.Contains(req.UserAgent(), "Microsoft") {
		does.Version = 1
	}
	switch {
	case does.WebSilent:
		r.hang(req)
	case does.DescriptionRedirect != "":
		http.Redirect(w, req, does.DescriptionRedirect, http.StatusFound)
	case does.DescriptionEndless:
		line := []byte(strings.Repeat("<!-- on and on -->", 64))
		for r.done.Err() == nil {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	case does.Description != nil:
		write(w, does.Description)
	default:
		write(w, []byte(r.description(does)))
	}
}

// hang keeps a request until its client or the router goes.
func (r *Router) hang(req *http.Request) {
	select {
	case <-req.Context().Done():
	case <-r.done.Done():
	}
}

// write answers with XML. A client that has gone is no error of the router's.
func write(w http.ResponseWriter, xml []byte) {
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	_, _ = w.Write(xml)
}

func (b Behaviour) version() int { return max(1, b.Version) }

func (b Behaviour) services() []Service {
	if len(b.Services) > 0 {
		return b.Services
	}
	all := []Service{{Type: "WANIPConnection:" + strconv.Itoa(b.version())}}
	if b.version() == 2 {
		all = append(all, Service{Type: firewallType})
	}
	return all
}

func (b Behaviour) deviceType(name string) string {
	return fmt.Sprintf("urn:schemas-upnp-org:device:%s:%d", name, b.version())
}

func (r *Router) description(does Behaviour) string {
	r.mu.Lock()
	port, boots := strconv.Itoa(int(r.webPort)), r.boots
	r.mu.Unlock()
	var services strings.Builder
	for i, s := range does.services() {
		base := ""
		if s.Host != "" {
			base = "http://" + strings.ReplaceAll(s.Host, "PORT", port)
		}
		events := fmt.Sprintf("%s/%d/evt/%d", base, boots, i)
		if does.NoEvents {
			events = ""
		}
		fmt.Fprintf(&services, "<service><serviceType>%s</serviceType>"+
			"<serviceId>urn:upnp-org:serviceId:%d</serviceId><SCPDURL>/scpd.xml</SCPDURL>"+
			"<controlURL>%s/%d/ctl/%d</controlURL><eventSubURL>%s</eventSubURL></service>",
			s.urn(), i, base, boots, i, events)
	}
	device := func(kind, inside string) string {
		return "<device><deviceType>" + does.deviceType(kind) + "</deviceType>" + inside + "</device>"
	}
	urlBase := ""
	if does.URLBase != "" {
		urlBase = "<URLBase>" + strings.ReplaceAll(does.URLBase, "PORT", port) + "</URLBase>"
	}
	return `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">` +
		"<specVersion><major>1</major><minor>0</minor></specVersion>" + urlBase +
		device("InternetGatewayDevice", "<friendlyName>fake</friendlyName><manufacturer>nattest</manufacturer>"+
			"<modelName>"+html.EscapeString(does.Model)+"</modelName><modelNumber>1</modelNumber><UDN>"+udn+"</UDN>"+
			"<deviceList>"+device("WANDevice", "<deviceList>"+
			device("WANConnectionDevice", "<serviceList>"+services.String()+"</serviceList>")+
			"</deviceList>")+"</deviceList>") + "</root>"
}
