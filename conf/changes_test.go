package conf_test

import (
	"slices"
	"testing"

	"natftpd/conf"
)

func TestWhatChangedIsToldKeyByKey(t *testing.T) {
	const users = `
users:
  - {name: alice, password: $argon2id$fine, home: /srv/a}
  - {name: bob, password: $argon2id$fine, home: /srv/b}
`
	tests := map[string]struct {
		before, after string
		want          []conf.Change
	}{
		"nothing": {users, users, nil},
		"a value, and where it is written": {"ftp: {max_sessions: 5}" + users, users + "ftp: {max_sessions: 7}",
			[]conf.Change{{"ftp.max_sessions", "5", "7"}}},
		"a value written out that was the default": {users, "ftp: {max_sessions: 250}" + users, nil},
		"a list": {users, "nat: {port_mapping: [upnp]}" + users,
			[]conf.Change{{"nat.port_mapping", "auto", "[upnp]"}}},
		"a list of mappings": {users, "nat: {address_overrides: [{clients: 10.8.0.0/24, address: local}]}" + users,
			[]conf.Change{{"nat.address_overrides", "[]", "[{clients: 10.8.0.0/24, address: local}]"}}},
		"the order of users": {users, `
users:
  - {name: bob, password: $argon2id$fine, home: /srv/b}
  - {name: alice, password: $argon2id$fine, home: /srv/a}
`, nil},
		"a user gone, one come, one with less": {users, `
users:
  - {name: bob, password: $argon2id$fine, home: /srv/b, access: read-only, quota: 1GB}
  - {name: carol, password: $argon2id$fine, home: /srv/c}
`, []conf.Change{
			{"users.alice", "read-write /srv/a", ""},
			{"users.bob.access", "read-write", "read-only"},
			{"users.bob.quota", "0", "1GB"},
			{"users.carol", "", "read-write /srv/c"},
		}},
		"a password, which is not told": {users, `
users:
  - {name: alice, password: $argon2id$other, home: /srv/a}
  - {name: bob, password: $argon2id$fine, home: /srv/b}
`, []conf.Change{{Key: "users.alice.password"}}},
		"a hook, whose address may hold a token": {users, "hooks: [{on: [login], url: \"http://localhost/?token=a\"}]" + users,
			[]conf.Change{{Key: "hooks"}}},
		"the secret of a hook": {"hooks: [{on: [login], url: \"http://localhost/\", secret: a}]" + users,
			"hooks: [{on: [login], url: \"http://localhost/\", secret: b}]" + users,
			[]conf.Change{{Key: "hooks"}}},
		"a hook written another way": {"hooks: [{on: [login], command: [a]}]" + users, "hooks: [{on: login, command: a}]" + users, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, after := mustLoad(t, test.before), mustLoad(t, test.after)
			if got := conf.Changes(&before.Config, &after.Config); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
