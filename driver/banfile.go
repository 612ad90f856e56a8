package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

const (
	// banFileVersion is of the file's form. One of another version is set aside.
	banFileVersion = 1
	// banFileLimit holds maxBanned bans, in the form that is written.
	banFileLimit = 8 << 20
	// mostTimes is beyond what any ban comes to.
	mostTimes = 1 << 20
	// saveDelay collects the bans of some seconds in one write; that many are
	// lost when the power fails.
	saveDelay = 5 * time.Second
	// tidyInterval is how often what has no more weight is forgotten.
	tidyInterval = 10 * time.Minute
)

// banFile is what the file holds.
type banFile struct {
	Version int         `json:"version"`
	Bans    []bannedRow `json:"bans"`
}

type bannedRow struct {
	Clients netip.Prefix `json:"clients"`
	Since   time.Time    `json:"since"`
	Until   time.Time    `json:"until"`
	Times   int          `json:"times"`
}

// Run keeps the file up to date and forgets in time, until ctx ends; then it
// writes for the last time. A file that can't be written is logged, once.
func (b *Bans) Run(ctx context.Context) error {
	if b == nil {
		<-ctx.Done()
		return nil
	}
	tidy := time.NewTicker(tidyInterval)
	defer tidy.Stop()
	failing := false
	for {
		select {
		case <-b.changed:
			select {
			case <-time.After(saveDelay):
			case <-ctx.Done():
			}
			failing = b.keep(failing)
		case <-tidy.C:
			b.forget(time.Now())
		case <-ctx.Done():
			select {
			case <-b.changed:
				b.keep(failing)
			default:
			}
			return nil
		}
	}
}

// keep writes the file, and returns whether that failed; said tells that the
// operator knows already.
func (b *Bans) keep(said bool) (failed bool) {
	err := b.save()
	if err == nil {
		return false
	}
	b.behind() // for the next try
	if !said {
		b.cfg.Log.Warn("bans cannot be kept for the next start: let the server write there", "file", b.cfg.File, "error", err)
	}
	return true
}

// load reads what an earlier run has kept.
func (b *Bans) load(now time.Time) {
	if b.cfg.File == "" {
		return
	}
	data, err := readBanFile(b.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var bans []Ban
	if err == nil {
		bans, err = decodeBans(data)
	}
	if err != nil {
		aside := b.cfg.File + ".broken"
		err = errors.Join(err, os.Rename(b.cfg.File, aside))
		b.cfg.Log.Warn("bans of an earlier run cannot be read: nobody is banned at first", "set_aside", aside, "error", err)
		return
	}
	b.adopt(bans, now)
}

// adopt takes over the bans of an earlier run that are still of weight.
func (b *Bans) adopt(bans []Ban, now time.Time) {
	for _, ban := range bans {
		// A clock that was wrong when it was written must not make it endless.
		if longest := now.Add(b.rules.Longest); ban.Until.After(longest) {
			ban.Since, ban.Until = now, longest
		}
		if !b.worthless(&ban, now) {
			*b.banned.touch(ban.Clients.Addr()) = ban
		}
	}
}

func readBanFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, banFileLimit+1))
	if err == nil && len(data) > banFileLimit {
		err = fmt.Errorf("larger than %d bytes", banFileLimit)
	}
	return data, err
}

// decodeBans takes all of a file or nothing.
func decodeBans(data []byte) ([]Ban, error) {
	var file banFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if file.Version != banFileVersion {
		return nil, fmt.Errorf("version %d, only %d is known", file.Version, banFileVersion)
	}
	bans := make([]Ban, 0, len(file.Bans))
	for _, row := range file.Bans {
		if !row.Clients.IsValid() || row.Clients != originPrefix(row.Clients.Addr()) {
			return nil, fmt.Errorf("clients %v: neither an IPv4 address nor an IPv6 /64", row.Clients)
		}
		if row.Times < 1 || row.Times > mostTimes || row.Until.Before(row.Since) || row.Since.Before(time.Unix(0, 0)) {
			return nil, fmt.Errorf("clients %v: banned %d times, from %v until %v", row.Clients, row.Times, row.Since, row.Until)
		}
		bans = append(bans, Ban(row))
	}
	return bans, nil
}

// save replaces the file in one go: whatever happens, it is the old one or the
// new one.
func (b *Bans) save() error {
	if b.cfg.File == "" {
		return nil
	}
	data, err := b.encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.cfg.File), 0o700); err != nil {
		return err
	}
	next := b.cfg.File + ".new"
	if err := writeSynced(next, data); err != nil {
		return err
	}
	return os.Rename(next, b.cfg.File)
}

func (b *Bans) encode() ([]byte, error) {
	file := banFile{Version: banFileVersion, Bans: []bannedRow{}}
	b.mu.Lock()
	b.banned.each(func(_ netip.Addr, ban *Ban) { file.Bans = append(file.Bans, bannedRow(*ban).rounded()) })
	b.mu.Unlock()
	return json.MarshalIndent(file, "", "\t")
}

// rounded is a row as people read it.
func (r bannedRow) rounded() bannedRow {
	r.Since, r.Until = r.Since.UTC().Truncate(time.Second), r.Until.UTC().Truncate(time.Second)
	return r
}

// writeSynced writes a file that is ours alone, down to the disk.
func writeSynced(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
