package conf

import "fmt"

// Source is where a configuration comes from. The zero Source is the first file of
// SearchPaths that exists, or else the defaults.
type Source struct {
	// Path is the file that the operator named by a flag. Empty: the one that
	// $NATFTPD_CONFIG names, or else the first of Search that exists.
	Path string
	// Search are the files to look for when none is named. Nil: SearchPaths.
	Search []string
	// Environ is the environment, as os.Environ has it.
	Environ []string
	// Flags come last and win.
	Flags []Flag
	// CheckPassword says what is wrong with the password of a user, a hash or
	// plain text. Nil: nothing is.
	CheckPassword func(string) error
}

// Flag is one value from the command line.
type Flag struct {
	// Name is the flag without its dashes.
	Name string
	// Key is the key that it sets, and Value the value as in the environment.
	Key, Value string
}

// Loaded is a valid configuration, and where each of its values came from.
type Loaded struct {
	Config
	// Path is the file that was read. Empty: none was there.
	Path string
	// NoUsers says that nobody may log in, because there is no file and the
	// environment names no user.
	NoUsers bool
	// Warnings are for the operator: what works, but less well or less safely
	// than it could.
	Warnings []string

	places map[string]place
	// defaultState is StateFolder when state_dir is empty.
	defaultState stateFolder
}

// Load reads the defaults, the file, the environment and the flags, in this order,
// and checks the result. The error is a *Mistakes, with all of them; any other is a
// fault of the caller.
func Load(s Source) (*Loaded, error) {
	l := &loader{
		source: s,
		rows:   keys(),
		report: &report{broken: map[string]bool{}},
		env:    environment(s.Environ),
		Loaded: Loaded{places: map[string]place{}},
	}
	l.readDefaults()
	l.readFile()
	l.readEnvironment()
	if err := l.readFlags(); err != nil {
		return nil, err
	}
	l.check()
	if len(l.mistakes) > 0 {
		return nil, &Mistakes{l.sorted()}
	}
	l.NoUsers = len(l.Users) == 0
	l.Warnings = l.warnings
	l.defaultState = defaultState(l.env)
	return &l.Loaded, nil
}

// loader is one Load under way.
type loader struct {
	source Source
	rows   []row[Config]
	env    map[string]string
	*report
	Loaded
}

// at is where the value at path was written last.
func (l *Loaded) at(path string) place {
	if p, ok := l.places[path]; ok {
		return p
	}
	return place{source: "default"}
}

// Origin is where the value of a key was written last: "default",
// "natftpd.yaml:12", "environment NATFTPD_FTP_LISTEN" or "flag --listen".
func (l *Loaded) Origin(key string) string { return l.at(key).origin() }

func (l *loader) readDefaults() {
	for _, r := range l.rows {
		if r.each == nil && r.def != "" {
			r.read(&l.Config, &node{kind: scalar, text: r.def}, l, r.name, r.name)
		}
	}
}

// set reads a text from outside of the file into a key of one line.
func (l *loader) set(r row[Config], text string, at place) {
	l.places[r.name] = at
	r.read(&l.Config, &node{kind: scalar, text: text, at: at}, l, r.name, r.name)
}

func (l *loader) readFlags() error {
	for _, f := range l.source.Flags {
		r, ok := l.lineKey(func(r row[Config]) bool { return r.name == f.Key })
		if !ok {
			return fmt.Errorf("flag --%s: %q is no key that a flag can set", f.Name, f.Key)
		}
		l.set(r, f.Value, place{source: "flag --" + f.Name})
	}
	return nil
}

// lineKey finds a key that can be written on one line, outside of the file.
func (l *loader) lineKey(is func(row[Config]) bool) (row[Config], bool) {
	for _, r := range l.rows {
		if r.each == nil && is(r) {
			return r, true
		}
	}
	return row[Config]{}, false
}
