package conf

import (
	"errors"
	"path/filepath"
)

// stateFolder is a folder for what must outlive a restart, and the origin of the
// choice.
type stateFolder struct{ dir, origin string }

// StateFolder is the folder for what must outlive a restart, and the origin of the
// choice: state_dir, or else systemd's $STATE_DIRECTORY, or else the user's own
// folder for state (XDG Base Directory Specification). It is not made here.
func (l *Loaded) StateFolder() (dir, origin string, err error) {
	if l.StateDir != "" {
		return l.StateDir, l.Origin("state_dir"), nil
	}
	if l.defaultState.dir == "" {
		return "", "", errors.New("no folder for state: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set; write state_dir")
	}
	return l.defaultState.dir, l.defaultState.origin, nil
}

func defaultState(env map[string]string) stateFolder {
	// systemd.exec(5): several folders are separated by colons.
	if dirs := filepath.SplitList(env["STATE_DIRECTORY"]); len(dirs) > 0 && dirs[0] != "" {
		return stateFolder{dirs[0], "environment STATE_DIRECTORY"}
	}
	// The specification has relative paths ignored.
	if dir := env["XDG_STATE_HOME"]; filepath.IsAbs(dir) {
		return stateFolder{filepath.Join(dir, "natftpd"), "environment XDG_STATE_HOME"}
	}
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if dir := env[name]; dir != "" {
			return stateFolder{filepath.Join(dir, ".local", "state", "natftpd"), "environment " + name}
		}
	}
	return stateFolder{}
}
