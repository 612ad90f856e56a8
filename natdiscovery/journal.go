package natdiscovery

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/pcp"
)

// journalVersion is of the file's form. A file of another version is set aside.
const journalVersion = 1

// lastYear is the last that RFC 3339 can write.
const lastYear = 9999

// journal is what must outlive this process: what it may have left on a gateway,
// for the next one to take over or to remove, and the address that was advertised
// last.
type journal struct {
	external netip.Addr
	secret   pcp.Secret // of PCP's nonces; zero: none was made
	mappings []remnant
	pinholes []leftPinhole
}

// remnant is a mapping that a gateway has, or may have, for us. Of the device only
// the address and the ID are known.
type remnant struct {
	device  gateway.Device
	method  gateway.Method
	mapping gateway.Mapping
}

// leftPinhole is a pinhole that a gateway has for us.
type leftPinhole struct {
	device  gateway.Device
	method  gateway.Method
	pinhole gateway.Pinhole
}

// sameAs says whether two journals differ in more than the time at which a mapping
// was confirmed: a renewal is not worth a write.
func (j journal) sameAs(o journal) bool {
	return j.external == o.external && j.secret == o.secret && slices.EqualFunc(j.mappings, o.mappings, remnant.sameAs) &&
		slices.EqualFunc(j.pinholes, o.pinholes, leftPinhole.sameAs)
}

func (r remnant) sameAs(o remnant) bool {
	r.mapping.Granted, o.mapping.Granted = time.Time{}, time.Time{}
	return r == o
}

func (p leftPinhole) sameAs(o leftPinhole) bool {
	p.pinhole.Granted, o.pinhole.Granted = time.Time{}, time.Time{}
	return p == o
}

// sameRow says whether two remnants stand for the same row of a gateway's table.
func (r remnant) sameRow(o remnant) bool {
	return r.device == o.device && r.method == o.method && sameMapping(r.mapping.Request, o.mapping.Request)
}

// permanent says whether the mapping stays until somebody removes it.
func (r remnant) permanent() bool {
	return r.mapping.Lease == 0 || r.mapping.Lifetime == 0 && !r.mapping.Granted.IsZero()
}

// over says whether its lease has surely ended.
func (r remnant) over(now time.Time) bool {
	end := r.mapping.Expires()
	return !r.mapping.Granted.IsZero() && !end.IsZero() && !end.After(now)
}

// The form of the file, for people to read as well.
type (
	journalFile struct {
		Version  int              `json:"version"`
		External netip.Addr       `json:"external_address,omitzero"`
		Secret   string           `json:"pcp_nonce_secret,omitempty"` // hexadecimal
		Mappings []journalRecord  `json:"mappings,omitempty"`
		Pinholes []journalPinhole `json:"ipv6_pinholes,omitempty"`
	}
	journalRecord struct {
		Gateway     netip.Addr     `json:"gateway"`
		GatewayID   string         `json:"gateway_id,omitempty"`
		Method      gateway.Method `json:"method"`
		Internal    netip.AddrPort `json:"internal"`
		External    uint16         `json:"external_port"`
		Asked       seconds        `json:"lease_asked_seconds"`
		Granted     time.Time      `json:"granted,omitzero"` // none: nobody knows whether it was
		Lifetime    seconds        `json:"lease_granted_seconds"`
		Description string         `json:"description"`
	}
	journalPinhole struct {
		Gateway   netip.Addr     `json:"gateway"`
		GatewayID string         `json:"gateway_id,omitempty"`
		Method    gateway.Method `json:"method"`
		Internal  netip.AddrPort `json:"internal"`
		ID        string         `json:"pinhole_id,omitempty"`
		Granted   time.Time      `json:"granted"`
		Lifetime  seconds        `json:"lease_granted_seconds"`
	}
	// seconds is a duration as the protocols count it.
	seconds uint32
)

// secondsOf rounds up: zero is for ever.
func secondsOf(d time.Duration) seconds   { return seconds((d + time.Second - 1) / time.Second) }
func (s seconds) duration() time.Duration { return time.Duration(s) * time.Second }

// encode writes the journal as it stands in the file.
func (j journal) encode() ([]byte, error) {
	f := journalFile{Version: journalVersion, External: j.external}
	if j.secret != (pcp.Secret{}) {
		f.Secret = hex.EncodeToString(j.secret[:])
	}
	for _, r := range j.mappings {
		f.Mappings = append(f.Mappings, journalRecord{
			Gateway: r.device.Address, GatewayID: r.device.ID, Method: r.method,
			Internal: r.mapping.Internal, External: r.mapping.External,
			Asked: secondsOf(r.mapping.Lease), Granted: r.mapping.Granted.Round(0).UTC(), Lifetime: secondsOf(r.mapping.Lifetime),
			Description: r.mapping.Description,
		})
	}
	for _, p := range j.pinholes {
		f.Pinholes = append(f.Pinholes, journalPinhole{p.device.Address, p.device.ID, p.method, p.pinhole.Internal, p.pinhole.ID,
			p.pinhole.Granted.Round(0).UTC(), secondsOf(p.pinhole.Lifetime)})
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	return append(data, '\n'), nil
}

// decodeJournal reads what encode wrote. Whatever else is in a file, no mapping
// that makes no sense comes from it: the gateway will be asked to remove them.
func decodeJournal(data []byte) (journal, error) {
	var f journalFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return journal{}, fmt.Errorf("read the journal: %w", err)
	}
	if d.More() {
		return journal{}, errors.New("read the journal: there is more behind its end")
	}
	if f.Version != journalVersion {
		return journal{}, fmt.Errorf("read the journal: version %d, want %d", f.Version, journalVersion)
	}
	if f.External.IsValid() && (!f.External.Is4() || !gateway.Public(f.External)) {
		return journal{}, fmt.Errorf("read the journal: external address %v: %s", f.External, gateway.Special(f.External))
	}
	j := journal{external: f.External}
	if secret, err := hex.DecodeString(f.Secret); err == nil && len(secret) == len(j.secret) {
		j.secret = pcp.Secret(secret)
	} else if f.Secret != "" {
		return journal{}, errors.New("read the journal: the secret of PCP's nonces is none")
	}
	for i, r := range f.Mappings {
		if !leftOn(r.Gateway, r.Internal, r.Granted) || r.External == 0 {
			return journal{}, fmt.Errorf("read the journal: mapping %d: no such mapping exists", i+1)
		}
		j.mappings = append(j.mappings, remnant{
			device: gateway.Device{Address: r.Gateway, ID: r.GatewayID}, method: r.Method,
			mapping: gateway.Mapping{
				Request: gateway.Request{Internal: r.Internal, External: r.External, Lease: r.Asked.duration(), Description: r.Description},
				Granted: r.Granted.UTC(), Lifetime: r.Lifetime.duration(),
			},
		})
	}
	for i, p := range f.Pinholes {
		if !leftOn(p.Gateway, p.Internal, p.Granted) || p.Granted.IsZero() {
			return journal{}, fmt.Errorf("read the journal: pinhole %d: no such pinhole exists", i+1)
		}
		j.pinholes = append(j.pinholes, leftPinhole{gateway.Device{Address: p.Gateway, ID: p.GatewayID}, p.Method,
			gateway.Pinhole{Internal: p.Internal, ID: p.ID, Granted: p.Granted.UTC(), Lifetime: p.Lifetime.duration()}})
	}
	return j, nil
}

// leftOn says whether something to internal can have been granted on a gateway at
// that time.
func leftOn(router netip.Addr, internal netip.AddrPort, granted time.Time) bool {
	return router.IsValid() && internal.IsValid() && internal.Port() != 0 && granted.UTC().Year() <= lastYear
}
