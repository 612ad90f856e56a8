package conf

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// Change is a key whose value is another one now.
type Change struct {
	// Key is dotted; a user's begins with "users." and the name.
	Key string
	// Old and New are the values as Show has them. Of passwords and of hooks, whose
	// addresses and arguments may hold some, neither is told; what has come or gone
	// has only one of them.
	Old, New string
}

// Changes compares two configurations key by key: those of sections in the order
// of the file, then those of users by name. Users are told apart by their names,
// wherever they stand in the list.
func Changes(before, after *Config) []Change {
	changes := changesOf(before, after, keys(), "")
	if before.Status.Password != after.Status.Password {
		changes = append(changes, Change{Key: "status.password"})
	}
	if !slices.EqualFunc(before.Hooks, after.Hooks, func(a, b Hook) bool { return reflect.DeepEqual(a, b) }) {
		changes = append(changes, Change{Key: "hooks"})
	}
	was, is := usersByName(before), usersByName(after)
	for _, name := range userNames(was, is) {
		path := "users." + name
		switch old, now := was[name], is[name]; {
		case old == nil:
			changes = append(changes, Change{Key: path, New: string(now.Access) + " " + quoted(now.Home)})
		case now == nil:
			changes = append(changes, Change{Key: path, Old: string(old.Access) + " " + quoted(old.Home)})
		default:
			changes = append(changes, changesOf(old, now, userKeys(), path+".")...)
			if old.Password != now.Password {
				changes = append(changes, Change{Key: path + ".password"})
			}
		}
	}
	return changes
}

// changesOf leaves users to its caller, for two in the same place need not be the
// same, and hooks, whose values are not told.
func changesOf[T any](before, after *T, rows []row[T], path string) []Change {
	var changes []Change
	for _, r := range rows {
		if r.name == "users" || r.name == "hooks" || r.secret {
			continue
		}
		if old, now := r.value(before), r.value(after); old != now {
			changes = append(changes, Change{path + r.name, old, now})
		}
	}
	return changes
}

// value is what is shown of a key, on one line.
func (r row[T]) value(t *T) string {
	if r.each == nil {
		return r.show(t)
	}
	var entries []string
	for _, entry := range r.each(t, "") {
		var texts []string
		for _, one := range entry {
			texts = append(texts, one.text)
		}
		entries = append(entries, "{"+strings.Join(texts, ", ")+"}")
	}
	return "[" + strings.Join(entries, ", ") + "]"
}

func usersByName(c *Config) map[string]*User {
	users := make(map[string]*User, len(c.Users))
	for i := range c.Users {
		users[c.Users[i].Name] = &c.Users[i]
	}
	return users
}

func userNames(a, b map[string]*User) []string {
	var names []string
	for _, users := range []map[string]*User{a, b} {
		for name := range users {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, cmp.Compare[string])
	return slices.Compact(names)
}
