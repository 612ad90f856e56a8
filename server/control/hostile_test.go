//go:build unix

package control_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"natftpd/server/control"
)

// What a client must not get, break or find out: the expected replies to hostile
// commands, played as in conformance_test.go. After each another session goes on,
// and what lies outside the home is as it was. What takes more than a script is
// in attack_test.go and flood_test.go.
var hostile = []struct {
	name   string
	script string
}{
	// Paths.
	{"dots do not lead above the home", "CWD .. => 250\nPWD => 257 \"/\"\nCWD ../../../etc => 550\nCWD /../.. => 250\nPWD => 257 \"/\""},
	{"dots in a download", "EPSV => 229\nRETR ../outside/secret => 550\nRETR /../../outside/secret => 550\nRETR dir/../../outside/secret => 550"},
	{"backslashes", "EPSV => 229\nRETR ..\\..\\outside\\secret => 550\nCWD ..\\.. => 550"},
	{"percent signs", "CWD %2e%2e%2f => 550\nCWD ..%c0%af.. => 550"},
	{"overlong UTF-8", "CWD \xc0\xae\xc0\xae => 550\nCWD \xe0\x80\xae\xe0\x80\xae/ => 550"},
	{"a link that leads out, downloaded", "EPSV => 229\nRETR out/secret => 550\nRETR leak => 550"},
	{"a link that leads out, uploaded to", "EPSV => 229\nSTOR out/new => 550\nAPPE out/secret => 550\nSTOR leak => 550"},
	{"a link that leads out, walked", "CWD out => 550\nCWD out/.. => 250\nPWD => 257 \"/\""},
	{"a link that leads out, listed", "EPSV => 229\nLIST out => 550\nNLST out/* => 550\nMLSD out => 550\nSTAT out => 550\nMLST out/secret => 550"},
	{"a link that leads out, asked about", "SIZE out/secret => 550\nMDTM out/secret => 550\nXMD5 out/secret => 550\nHASH leak => 550\nAVBL out => 550"},
	{"a link that leads out, changed", "MKD out/x => 550\nDELE out/secret => 550\nRMD out => 550\nSITE CHMOD 777 out/secret => 550\nSITE MKDIR out/a/b => 550\nMFMT 20200101000000 out/secret => 550"},
	{"a link that leads out, renamed through", "RNFR out/secret => 550\nRNFR f => 350\nRNTO out/f => 550\nRNFR f => 350\nRNTO ../outside/f => 550"},
	{"the home itself", "RMD / => 550\nRMD . => 550\nRMD dir/.. => 550\nDELE / => 550\nSITE CHMOD 000 / => 550\nRNFR / => ~^(350|550)\nRNTO x => ~^(503|550)\nPWD => 257"},
	{"a name for a shell", "CWD ~root => 550\nCWD $HOME => 550\nDELE `id` => 550\nDELE ;id => 550\nDELE |id => 550"},
	{"format verbs", "CWD %s%n%d => 550 /%s%n%d\nDELE %!v(PANIC=x) => 550\nUSER %x => 503"},
	{"control characters in names", "STOR a\x00b => 501\nMKD a\x1b[31mb => 501\nDELE a\x7fb => 501\nMKD a\rb => 501\nMKD a\tb => 501"},
	{"control characters of Unicode", "MKD a\u0085b => 553\nMKD \u009b31m => 553"},
	{"a name that is too long", "MKD " + strings.Repeat("n", 300) + " => 550\nCWD " + strings.Repeat("a/", 1500) + " => 550"},
	{"a pattern that takes its time", "EPSV => 229\nNLST " + strings.Repeat("*a", 200) + "b => 550\nNLST [ => 550\nNLST \\ => 550\nLIST " + strings.Repeat("*/", 100) + "* => 550"},
	{"options without a name", "LIST -la =>> ~ f\\|\nNLST -x -y -z nowhere => 550"},
	{"what is no file", "EPSV => 229\nRETR pipe => 550\nSTOR pipe => 550\nAPPE dir => 550\nXCRC pipe => 550"},
	{"a unique name above the home", "STOU ../../x <<= content ~^150 FILE: \\.\\./\\.\\./x\\."},

	// Lines.
	{"nothing", " => 500\n   => 500\nNOOP => 200"},
	{"HTTP", "GET / HTTP/1.1 => 500\nHost: x => 500\nPOST / HTTP/1.1 => 500\nNOOP => 200"},
	{"SSH", "SSH-2.0-OpenSSH_9.2 => 500\nNOOP => 200"},
	{"SMTP", "EHLO x => 500\nMAIL FROM:<a@b> => 500\nNOOP => 200"},
	{"a TLS hello in clear", "\x16\x03\x01\x02\x00\x01\x00 => 501\nNOOP => 200"},
	{"Telnet options", "\xff\xfb\x01\xff\xfd\x03NOOP => 200\n\xff\xf6\xff\xf1\xff\xf9NOOP => 200"},
	{"a Telnet option cut short", "\xff\xfdNNOOP => 200\n\xff\xf4NOOP => 200"},
	{"bytes that are no UTF-8", "CWD \xfe\x80\x81 => 550\n\xfe\xfe\xfe => 500\nNOOP => 200"},
	{"a verb of 3,000 letters", strings.Repeat("A", 3000) + " => 500\nNOOP => 200"},
	{"a line of 20,000 letters", "STOR " + strings.Repeat("A", 20000) + " => 500 Line too long\nNOOP => 200"},
	{"a tab for a space", "CWD\tdir => 501\nNOOP => 200"},
	{"spaces around a verb", "  NOOP => 200\nNOOP  => 200\nQUITX => 500"},
	{"an argument where none belongs", "PWD x => 257\nCDUP x => 250\nPASV x => 227\nABOR x => 226\nSYST x => 215"},
	{"no argument where one belongs", "CWD => 501\nMKD  => 501\nRETR => 501\nUSER => 501\nTYPE => 501\nPORT => 501\nHASH => 501\nXCRC => 501\nMFMT => 501\nOPTS => 501"},

	// Numbers.
	{"offsets that are none", "REST -1 => 501\nREST 1e9 => 501\nREST 0x10 => 501\nREST 99999999999999999999 => 501\nREST 1 2 => 501"},
	{"an offset beyond the end", "TYPE I => 200\nEPSV => 229\nREST 999999999999999999 => 350\nRETR f => 550\nREST 999999999999999999 => 350\nSTOR f => 550\nRETR f =>> content"},
	{"an offset for a transfer that was refused", "TYPE I => 200\nREST 3 => 350\nRETR f => 425\nRETR f =>> content\nREST 3 => 350\nLIST => 425\nRETR f =>> content"},
	{"sizes that are none", "ALLO -1 => 501\nALLO 99999999999999999999 => 501\nALLO 1 R => 501\nALLO 1 R x => 501"},
	{"parts that are none", "XCRC f 999999999999999999 999999999999999999 => 501\nXCRC f 7 3 => 501\nXCRC f -1 => 550\nXCRC \"f => 550\nXCRC \"f\"x => 550"},
	{"times that are none", "MFMT 00000000000000 f => 501\nMFMT 20209999999999 f => 501\nMFMT 2020 f => 501\nSITE UTIME 999999999999 f => 501"},
	{"times that no file can have", "MFMT 16010101000000 f => 501\nMFMT 00010101000000 f => 501\nMFMT 99991231235959 f => 501\nSITE UTIME 160101010000 f => 501\nMFMT 19700101000000 f => 213\nMDTM f => 213 19700101000000"},
	{"modes that are none", "SITE CHMOD => 501\nSITE CHMOD 9 f => 501\nSITE CHMOD 99999 f => 501\nSITE CHMOD -1 f => 501\nSITE CHMOD 7777 => 501"},
	{"addresses that are none", "PORT 1,2,3,4,5 => 501\nPORT 1,2,3,4,5,6,7 => 501\nPORT a,b,c,d,e,f => 501\nPORT 127,0,0,1,-1,1 => 501\nPORT 127,0,0,1,999,1 => 501\nEPRT => 501\nEPRT |||| => 501\nEPRT |1|localhost|5000| => 501\nEPRT |1|127.0.0.1|70000| => 501\nEPRT |1|127.0.0.1|5000|x => 501\nEPRT |2|fe80::1%lo|5000| => 501"},

	// Sequences.
	{"a second login", "USER bob => 503\nPASS x => 503\nUSER alice => 503\nSTAT => ~Logged in as alice"},
	{"RNTO alone", "RNTO x => 503\nRNFR f => 350\nCWD / => 250\nRNTO x => 503"},
	{"transfers without a data connection", "RETR f => 425\nSTOR f => 425\nMLSD => 425\nABOR => 226\nLIST => 425"},
	{"a data connection for two transfers", "RETR f =>> content\nRETR f => 425"},
	{"PORT to another host", "PORT 127,0,0,2,200,200 => 504\nPORT 10,0,0,1,200,200 => 504\nPORT 8,8,8,8,0,53 => 504\nEPRT |1|127.0.0.2|5000| => 504\nEPRT |2|::1|5000| => 504\nLIST => 425"},
	{"PORT to a service", "PORT 127,0,0,1,0,25 => 504\nPORT 127,0,0,1,3,255 => 504\nPORT 127,0,0,1,0,0 => 504\nEPRT |1|127.0.0.1|80| => 504\nLIST => 425"},
	{"PORT after EPSV ALL", "EPSV ALL => 200\nPORT 127,0,0,1,200,200 => 503\nEPRT |1|127.0.0.1|5000| => 503\nPASV => 503"},
	{"TLS after the login", "AUTH TLS => 503\nAUTH SSL => 503\nCCC => ~^53[34]"},
	{"HOST after the login", "HOST x => 503"},

	// Doors that others left open.
	{"SITE", "SITE => 501\nSITE EXEC id => 504\nSITE CHOWN 0:0 f => 504\nSITE SYMLINK /etc/passwd g => 504\nSITE RMDIR / => 504\nSITE CPFR /etc/passwd => 504\nSITE CPTO x => 504\nSITE IDLE 99999 => 504"},
	{"commands of other servers", "MACB x => 500\nXRCP a b => 500\nCOMB a b => 502\nTHMB x => 500\nXSEN x => 500\nSMNT / => 502"},
	{"options", "OPTS MLST " + strings.Repeat("type;", 500) + " => 200\nOPTS HASH ../../x => 501\nOPTS UTF8 %n => 200\nOPTS x => 501"},
	{"names of hosts and languages", "LANG ../../etc => 504\nLANG EN-%n => 200\nCLNT " + strings.Repeat("x", 2000) + " => 200"},
}

// strangers are the same for a client that has not logged in.
var strangers = []struct {
	name   string
	script string
}{
	{"a password without a name", "PASS secret => 503\nPASS => 503\nNOOP => 200"},
	{"commands for users, about files", "RETR f => 530\nSTOR f => 530\nSTOU => 530\nLIST => 530\nMLST => 530\nSTAT / => 530\nSIZE f => 530\nHASH f => 530\nXCRC f => 530\nAVBL => 530"},
	{"commands for users, about folders", "CWD / => 530\nPWD => 530\nMKD x => 530\nRMD x => 530\nDELE x => 530\nRNFR x => 530\nRNTO x => 530\nSITE CHMOD 600 x => 530\nMFMT 20200101000000 f => 530"},
	{"commands for users, about data connections", "PASV => 530\nEPSV => 530\nEPSV ALL => 530\nPORT 127,0,0,1,200,200 => 530\nEPRT |1|127.0.0.1|5000| => 530\nABOR => 530\nREST 1 => 530\nTYPE I => 530\nALLO 1 => 530"},
	{"protection without TLS", "PBSZ 0 => 503\nPROT P => 503\nPROT C => 503\nCCC => 533\nAUTH => 501\nAUTH BOGUS => 504\nAUTH GSSAPI => 504"},
	{"what anybody may ask", "SYST => 215\nFEAT => 211\nHELP => 214\nSTAT => 530\nNOOP => 200\nOPTS UTF8 ON => 200\nHOST x.example => 220\nHOST [2001:db8::1] => 220\nHOST ../x y => 501\nREIN => 220\nACCT x => 202"},
	{"a name that is a line of the log", "USER a level=ERROR => 331\nUSER \x1b[2J => 501\nUSER " + strings.Repeat("u", 4000) + " => 331"},
	{"HOST after USER", "USER alice => 331\nHOST x => 503\nREIN => 220\nHOST x => 220\nPASS secret => 503"},
	{"USER and then something else", "USER alice => 331\nUSER bob => 331\nUSER alice => 331\nPWD => 530\nPASS secret => 230"},
}

func TestHostileCommands(t *testing.T) {
	s := serve(t, nil)
	tree(t, s)
	s.write("f", []byte("content"))
	outside := filepath.Join(filepath.Dir(s.home), "outside")
	secret := filepath.Join(outside, "secret")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.home, "out")); err != nil {
		t.Fatal(err)
	}
	before := inode(t, secret)
	other := s.login()
	check := func(name, script string, c *client) {
		t.Run(name, func(t *testing.T) {
			c.t, other.t = t, t
			c.play(script)
			other.cmd("NOOP", "200")
			if after := inode(t, secret); after != before {
				t.Errorf("outside the home is changed: %+v was %+v", after, before)
			}
			if all, err := os.ReadDir(outside); err != nil || len(all) != 1 {
				t.Errorf("outside the home: %v, %v", all, err)
			}
			c.conn.Close()
		})
	}
	for _, h := range hostile {
		check(h.name, h.script, s.login())
		check(h.name+", under TLS", h.script, s.loginTLS())
	}
	for _, h := range strangers {
		check("a stranger: "+h.name, h.script, s.connect())
	}
}

// inode is what would change if somebody touched a file.
func inode(t *testing.T, name string) any {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	return [...]int64{int64(st.Ino), st.Size, int64(st.Mode), info.ModTime().UnixNano()}
}

func TestATLSModeIsTold(t *testing.T) {
	required := serve(t, func(cfg *control.Config) { cfg.TLSRequired = true })
	c := required.connect()
	c.play("USER alice => 530 TLS is required here. Use AUTH TLS first.\nPASS secret => 503")
	c.secure()
	c.play("USER alice => 331\nPASS secret => 230\nEPSV => 229\nLIST => 521 Data connections need TLS here. Use PBSZ 0 and PROT P first.\nPBSZ 0 => 200\nPROT C => 534")
	off := serve(t, func(cfg *control.Config) { cfg.TLS, cfg.ActiveMode = nil, false })
	c = off.login()
	c.play("AUTH TLS => 502\nPORT 127,0,0,1,200,200 => 502")
	if got := c.cmd("FEAT", "211"); strings.Contains(got, "AUTH") {
		t.Errorf("FEAT offers it: %q", got)
	}
}
