package control

import "strings"

// verb is one command of FTP and who answers it.
type verb struct {
	// open: allowed before the login.
	open bool
	// arg: an argument is needed.
	arg bool
	// run answers the command in the front, or hands it to the library in a
	// form of its own. nil: handed on as it is.
	run func(s *session, arg string)
}

// verbs are the commands that there are; all others are unknown (500), or known
// elsewhere and not offered here (502).
func verbs() map[string]*verb {
	return map[string]*verb{
		// Login and TLS: RFC 959, section 4.1.1; RFC 2228 and 4217.
		"USER": {open: true, arg: true, run: (*session).cmdUser},
		"PASS": {open: true, run: (*session).cmdPass},
		"ACCT": {open: true, run: answer(202, "No account needed.")},
		"QUIT": {open: true, run: (*session).cmdQuit},
		"AUTH": {open: true, arg: true, run: (*session).cmdAuth},
		"PBSZ": {open: true, arg: true, run: (*session).cmdPbsz},
		"PROT": {open: true, arg: true, run: (*session).cmdProt},
		"CCC":  {open: true, run: (*session).cmdCcc},
		"REIN": {open: true, run: (*session).cmdRein},

		// Data connections: RFC 959, section 4.1.2; RFC 2428.
		"PASV": {run: (*session).cmdPasv},
		"EPSV": {run: (*session).cmdEpsv},
		"PORT": {arg: true, run: (*session).cmdPort},
		"EPRT": {arg: true, run: (*session).cmdEprt},
		"ABOR": {run: (*session).cmdAbor},

		// Transfers.
		"RETR": {arg: true, run: (*session).cmdRetr},
		"STOR": {arg: true, run: (*session).cmdStor},
		"APPE": {arg: true, run: (*session).cmdAppe},
		"STOU": {run: (*session).cmdStou},
		"LIST": {run: (*session).cmdList},
		"NLST": {run: (*session).cmdNlst},
		"MLSD": {run: (*session).cmdMlsd},

		// Transfer parameters: RFC 959, section 5.1, wants STRU F and MODE S.
		"TYPE": {arg: true, run: (*session).cmdType},
		"STRU": {arg: true, run: only("F", "Only file structure (F) is offered.")},
		"MODE": {arg: true, run: only("S", "Only stream mode (S) is offered.")},
		"REST": {arg: true, run: (*session).cmdRest},
		"ALLO": {arg: true, run: (*session).cmdAllo},

		// Files and folders: RFC 959 and 3659.
		"CWD":  {arg: true},
		"XCWD": {arg: true},
		"CDUP": {},
		"XCUP": {run: as("CDUP")},
		"PWD":  {},
		"XPWD": {},
		"MKD":  {arg: true, run: (*session).cmdMkd},
		"XMKD": {arg: true, run: (*session).cmdMkd},
		"RMD":  {arg: true},
		"XRMD": {arg: true},
		"DELE": {arg: true},
		"RNFR": {arg: true, run: (*session).cmdRnfr},
		"RNTO": {arg: true, run: (*session).cmdRnto},
		"SIZE": {arg: true, run: (*session).cmdSize},
		"MDTM": {arg: true},
		"MFMT": {arg: true, run: (*session).cmdMfmt},
		"MLST": {run: (*session).cmdMlst},
		"SITE": {arg: true, run: (*session).cmdSite},

		// Hashes, and what room there is: drafts of the IETF, and older habits.
		"HASH":    {arg: true, run: (*session).cmdHash},
		"XCRC":    {arg: true, run: hashes("XCRC", "CRC32")},
		"XMD5":    {arg: true, run: hashes("XMD5", "MD5")},
		"XSHA":    {arg: true, run: hashes("XSHA", "SHA-1")},
		"XSHA1":   {arg: true, run: hashes("XSHA1", "SHA-1")},
		"XSHA256": {arg: true, run: hashes("XSHA256", "SHA-256")},
		"XSHA512": {arg: true, run: hashes("XSHA512", "SHA-512")},
		"AVBL":    {run: (*session).cmdAvbl},

		// The rest.
		"STAT": {run: (*session).cmdStat},
		"SYST": {open: true, run: answer(215, "UNIX Type: L8")},
		"NOOP": {open: true, run: answer(200, "OK.")},
		"HELP": {open: true, run: (*session).cmdHelp},
		"FEAT": {open: true, run: (*session).cmdFeat},
		"OPTS": {open: true, arg: true, run: (*session).cmdOpts},
		"HOST": {open: true, arg: true, run: (*session).cmdHost}, // RFC 7151
		"LANG": {open: true, run: (*session).cmdLang},            // RFC 2640
		"CLNT": {open: true, arg: true, run: answer(200, "Noted.")},
	}
}

// notOffered are commands that the RFCs know and we don't.
var notOffered = map[string]bool{
	"SMNT": true, "ADAT": true, "CONF": true, "ENC": true, "MIC": true, // RFC 959 and 2228
	"LPRT": true, "LPSV": true, "MFCT": true, "MFF": true, "RANG": true, "COMB": true, "MD5": true, "MMD5": true,
}

// dispatch answers one command, or hands it to the library.
func (s *session) dispatch(text string) {
	name, arg, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
	name = strings.ToUpper(name)
	if s.verbose() {
		s.logCommand(name, text)
	}
	v := s.front.verbs[name]
	if name != "RNTO" {
		s.renaming = false
	}
	switch {
	case strings.ContainsFunc(text, isControl):
		s.say(line(501, "Control characters are not allowed."))
	case v == nil && notOffered[name]:
		s.say(line(502, "%s is not offered.", name))
	case v == nil:
		s.say(line(500, "Unknown command."))
	case !v.open && s.account == nil:
		s.say(line(530, "Log in with USER and PASS first."))
	case v.arg && strings.TrimSpace(arg) == "":
		s.say(line(501, "%s needs an argument.", name))
	case v.run != nil:
		v.run(s, arg)
	default:
		s.pass(name, arg, nil)
	}
}

// logCommand logs a command, and no password.
func (s *session) logCommand(name, text string) {
	if strings.HasPrefix(name, "PASS") { // and whatever stands there for the space
		text = "PASS"
	}
	s.log.Debug("command", "line", text)
}

// pass hands a command to the library. done makes the client's reply out of the
// library's; nil: mend.
func (s *session) pass(name, arg string, done func(reply) reply) {
	if done == nil {
		done = s.mend
	}
	s.hand(forward{line: join(name, arg), done: done})
}

func join(name, arg string) string {
	if arg == "" {
		return name
	}
	return name + " " + arg
}

// isControl tells the characters that no command holds: NUL, line ends, escape
// sequences for whoever reads a log.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// answer says always the same.
func answer(code int, text string) func(*session, string) {
	return func(s *session, _ string) { s.say(line(code, "%s", text)) }
}

// as is another name for a command of the library's.
func as(name string) func(*session, string) {
	return func(s *session, arg string) { s.pass(name, arg, nil) }
}

// only accepts one parameter value, in either case (RFC 959, section 5.3).
func only(value, otherwise string) func(*session, string) {
	return func(s *session, arg string) {
		if strings.EqualFold(strings.TrimSpace(arg), value) {
			s.say(line(200, "OK."))
		} else {
			s.say(line(504, "%s", otherwise))
		}
	}
}
