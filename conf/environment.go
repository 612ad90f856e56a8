package conf

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

const envPrefix = "NATFTPD_"

// The variables that are no key: the file's path, and those that make one account.
const (
	envConfig       = envPrefix + "CONFIG"
	envUser         = envPrefix + "USER"
	envPassword     = envPrefix + "PASSWORD"
	envPasswordFile = envPrefix + "PASSWORD_FILE"
	envHome         = envPrefix + "HOME"
)

// accountVariables are those that make one account.
func accountVariables() []string { return []string{envUser, envPassword, envPasswordFile, envHome} }

// envName is the variable of a key: NATFTPD_FTP_LISTEN for ftp.listen.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func (l *loader) readEnvironment() {
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		if !strings.HasPrefix(name, envPrefix) || name == envConfig || slices.Contains(accountVariables(), name) || fromKubernetes(name, l.env[name]) {
			continue
		}
		at := envPlace(name)
		r, ok := l.lineKey(func(r row[Config]) bool { return envName(r.name) == name })
		if !ok {
			l.wrong(at, "", "is no variable of natftpd", suggestVariable(l.rows, name))
			continue
		}
		l.set(r, l.env[name], at)
	}
	l.readAccount()
}

// kubernetes matches what Kubernetes sets in every container beside a service named
// natftpd, such as NATFTPD_PORT=tcp://10.0.0.1:2121. The operator did not write it.
var kubernetes = regexp.MustCompile(`^NATFTPD_(SERVICE_(HOST|PORT)(_\w+)?=|PORT=(tcp|udp)://|PORT_[0-9]+_(TCP|UDP))`)

func fromKubernetes(name, value string) bool { return kubernetes.MatchString(name + "=" + value) }

func envPlace(name string) place { return place{source: "environment " + name} }

// readAccount makes the one user that the environment can describe, as if it were
// an entry of the file's users.
func (l *loader) readAccount() {
	if l.env[envUser] == "" {
		for _, name := range accountVariables() {
			if l.env[name] != "" {
				l.wrong(envPlace(name), "", "belongs to no user", "set "+envUser+", too")
			}
		}
		return
	}
	user := &node{kind: mapping, at: envPlace(envUser)}
	user.add("name", l.env[envUser], user.at)
	if home := l.env[envHome]; home != "" {
		user.add("home", home, envPlace(envHome))
	} else {
		user.add("home", "./share", place{source: "default"})
	}
	if password, at, ok := l.envPassword(); ok {
		user.add("password", password, at)
	}
	for _, r := range l.rows {
		if r.name == "users" {
			r.read(&l.Config, &node{kind: sequence, items: []*node{user}, at: user.at}, l, r.name, r.name)
		}
	}
}

// envPassword is the password of the environment's user, and where it is from. ok
// is false when there is none.
func (l *loader) envPassword() (password string, at place, ok bool) {
	file := l.env[envPasswordFile]
	if file == "" {
		return l.env[envPassword], envPlace(envPassword), l.env[envPassword] != ""
	}
	at = envPlace(envPasswordFile)
	if l.env[envPassword] != "" {
		l.wrong(at, "", "is set beside "+envPassword, "unset one of them")
	}
	content, err := readAll(file)
	if err != nil {
		l.wrong(at, "", err.Error(), "name a file with the password")
		l.broken[userPath(len(l.Users), "password")] = true
	}
	// Editors end a file with a line break, which is no part of the password.
	return strings.TrimRight(string(content), "\r\n"), at, true
}

// environment is environ as a map; a variable that is empty counts as not set,
// which is how compose files pass on variables that are not set.
func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); value != "" {
			env[name] = value
		}
	}
	return env
}
