package server

import (
	"errors"
	"net"
)

// Change has the service go by another Config from now on, or leaves everything as
// it is: the error is then a *PortError, or says that the service ends. Sessions that
// are there keep the time-outs, TLS and active mode that they began with. Control
// ports that are not wanted any more let nobody in, but end no session. Log,
// Accounts, Sessions and Status must be the same.
func (s *Server) Change(cfg Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != running {
		return errors.New("the service ends")
	}
	m, err := move(s.doors, doorsOf(cfg))
	if err == nil {
		if err = s.changePorts(cfg); err != nil {
			err = errors.Join(err, m.undo())
		}
	}
	if err != nil {
		if m.closed {
			s.serve(m.leaving)
		}
		return err
	}
	s.cfg.Store(&cfg)
	s.front.Change(s.frontOf(cfg))
	if !m.closed {
		closeAll(m.leaving)
	}
	s.doors = m.all
	s.serve(m.opened)
	if err := s.limitSegments(); err != nil {
		cfg.Log.Warn("TCP segments cannot be limited on new ports; large transfers may hang", "error", err)
	}
	return nil
}

func (s *Server) changePorts(cfg Config) error {
	host, err := passiveHost(cfg)
	if err == nil {
		err = s.ports.Change(host, cfg.PassiveFirst, cfg.PassiveLast, cfg.DataTimeout)
	}
	if err != nil {
		return passiveError(err)
	}
	return nil
}

// passiveHost is where the passive ports are: on the host of ftp.listen.
func passiveHost(cfg Config) (string, error) {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return "", &PortError{cfg.Listen, "ftp.listen", err}
	}
	return host, nil
}
