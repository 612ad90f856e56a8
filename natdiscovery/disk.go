package natdiscovery

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// diskPause is the pause before a journal that could not be written is written
// again.
const diskPause = time.Minute

// diskState is the journal on the disk. A mapping is asked for only when the
// journal has it: whenever we are killed, the next start knows what to remove.
type diskState struct {
	lane
	kept   journal // as last written
	claims map[claim]bool
	at     time.Time // not before this is it written
	// problem is why it can't be written at this moment; "": it can. The service
	// is worth more than the journal, so mappings do not wait for it then.
	problem string
}

// claim is a mapping as the journal knows it again.
type claim struct {
	gateway  netip.Addr
	method   gateway.Method
	internal netip.AddrPort
	external uint16
}

// keep notes what is on the disk.
func (d *diskState) keep(j journal) {
	d.kept, d.claims = j, make(map[claim]bool, len(j.mappings))
	for _, r := range j.mappings {
		d.claims[claim{r.device.Address, r.method, r.mapping.Internal, r.mapping.External}] = true
	}
}

// saveJournal writes the journal.
type saveJournal struct{ journal journal }

func (a saveJournal) do(_ context.Context, cfg Config) event {
	return journalSaved{a.journal, store(cfg.StateDir).save(a.journal)}
}

// journalSaved is the outcome of saveJournal.
type journalSaved struct {
	journal journal
	err     error
}

func (e journalSaved) apply(c *core, now time.Time) {
	d := &c.disk
	d.done()
	if e.err != nil {
		d.problem, d.at = e.err.Error(), now.Add(diskPause)
		return
	}
	d.problem = ""
	d.keep(e.journal)
}

func (c *core) diskDuties() []duty {
	if c.cfg.StateDir == "" {
		return nil
	}
	if j := c.journal(); !j.sameAs(c.disk.kept) {
		return []duty{{c.disk.at, saveJournal{j}}}
	}
	return nil
}

// journalled says whether the next start would know of a mapping for port i.
func (c *core) journalled(i int) bool {
	if c.cfg.StateDir == "" || c.disk.problem != "" {
		return true
	}
	r := c.request(i)
	return c.disk.claims[claim{c.gw.identity.Address, c.gw.method, r.Internal, r.External}]
}

// journal is what the next start has to know if this run ends here: the mappings
// that are there, may be there, or will be asked for next. What the operator wrote is
// in the configuration, or was taken back.
func (c *core) journal() journal {
	j := journal{secret: c.disk.kept.secret, mappings: slices.Clone(c.former)}
	if gateway.Public(c.ext.addr) && c.ext.addr != c.cfg.ExternalAddress {
		j.external = c.ext.addr
	}
	j.pinholes = slices.Concat(c.pinholes.former, c.openPinholes())
	j.mappings = append(j.mappings, c.gw.stale...)
	for i := range c.ports {
		list := c.leftovers(&c.ports[i])
		next := c.remnant(c.gw.method, gateway.Mapping{Request: c.request(i)})
		if c.gw.found && !slices.ContainsFunc(list, next.sameRow) {
			list = append(list, next)
		}
		j.mappings = append(j.mappings, list...)
	}
	return j
}

// remnant is a mapping on the gateway that is, or was last, in use.
func (c *core) remnant(by gateway.Method, m gateway.Mapping) remnant {
	m.Formerly = netip.Addr{}
	return remnant{c.device(), by, m}
}

// device is the gateway as the journal knows it again.
func (c *core) device() gateway.Device {
	return gateway.Device{Address: c.gw.identity.Address, ID: c.gw.identity.ID}
}
