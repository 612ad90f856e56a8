//go:build unix

package control_test

import (
	"testing"
)

// What conformance probes and real clients stumbled over in FTP servers, each
// over a real socket, in clear and under TLS. script_test.go tells how a script is
// played. What takes more than a script has a test of its own:
//
//	somebody else gets the data connection      TestAStrangersDataConnectionGetsNothing
//	half a line is executed                     TestHalfALineIsNoCommand
//	single bytes hold a session for ever        TestDrippingBytesDoNotKeepASessionAlive
//	data in clear after PROT P in lower case    TestTLSProtectionIsNeverSilentlyOff
//	AUTH that keeps a login, or takes anything  the same
//	commands in clear behind AUTH               TestWhatIsSaidInClearBehindAUTHIsForgotten
//	listeners leak when PORT follows PASV       TestASecondDataConnectionReplacesTheFirst
//	ABOR and STAT hang while data is awaited    TestABOREndsTheWaitForADataConnection
//	a stalled data connection stays for ever    TestAStalledTransferIsGivenUp
//	no brake on guessing, no limits             TestGuessingIsBrakedAndEnds, TestSessionsAreLimited
//	errors with paths of the host, panics       tellsNothing, which looks at every reply of all tests
//	links that lead out of the home             TestHostileCommands
//	426 for a client that drops a transfer      TestAClientThatDropsItsDataConnectionIsTold426
//	PASV on IPv6                                TestIPv6
//	one wrong password ends the session         TestGuessingIsBrakedAndEnds
//	a long line closes without a word           TestALongLineIsRefusedAndTheNextIsHeard
//	ABOR as urgent data, behind Telnet's Synch  TestABORAsUrgentTelnetData
//	REIN                                        TestREINGoesBackToTheBeginning
//	a refused transfer takes its port along     TestADataConnectionSurvivesARefusedTransfer
var conformance = []struct {
	name   string
	rfc    string
	script string
}{
	{"MKD names the path first", "RFC 959, appendix II", `
		MKD new            => 257 "/new" created.
		MKD a"b            => 257 "/a""b" created.
		XMKD other         => 257 "/other" created.`},
	{"the parameters of the minimum are there", "RFC 959, 5.1", `
		STRU F             => 200
		STRU R             => 504
		STRU X             => 504
		MODE S             => 200
		MODE B             => 504
		TYPE A             => 200
		TYPE A N           => 200`},
	{"HELP, ACCT and the X commands are there", "RFC 959, 4.1.3; RFC 775; RFC 1123, 4.1.3.1", `
		HELP               => 214
		HELP RETR          => 214
		HELP NOSUCH        => 502
		SITE HELP          => ~^214-.*\r\n CHMOD mode path\r\n
		HELP SITE          => ~^214-.*\r\n CHMOD mode path\r\n
		ACCT x             => 202
		XCWD dir           => 250
		XPWD               => 257 "/dir"
		XCUP               => 250
		XRMD dir/sub       => 250`},
	{"commands and parameters are read in either case", "RFC 959, 5.3", `
		mode s             => 200
		Type i             => 200
		stru f             => 200
		pwd                => 257`},
	{"only bytes of eight bits are local bytes", "RFC 959, 3.1.1.4", `
		TYPE L 8           => 200
		TYPE L 7           => 504
		TYPE E             => 504`},
	{"EPSV knows its arguments", "RFC 2428, 3 and 4", `
		EPSV 2             => 522 Network protocol not supported here, use (1)
		EPSV 3             => 522
		EPSV x             => 522
		EPSV 1             => 229
		EPSV ALL           => 200
		PASV               => 503
		PORT 127,0,0,1,200,200 => 503
		EPSV               => 229`},
	{"EPRT takes any delimiter, and says which protocols there are", "RFC 2428, 2", `
		EPRT $1$127.0.0.1$5000$ => 200
		EPRT |3|127.0.0.1|5000| => 522
		EPRT |1|::1|5000|       => 501
		EPRT |1|127.0.0.1|5000  => 501
		EPRT |2|::1|5000|       => 504`},
	{"PORT is six numbers, the client's address and a port of its own", "RFC 959, 5.3.2; RFC 2577, 3", `
		PORT 127,0,0,1,200,256  => 501
		PORT 127,0,0,1,200      => 501
		PORT 999,0,0,1,200,200  => 501
		PORT 127,0,0,1,0,25     => 504
		PORT 127,0,0,2,200,200  => 504`},
	{"a transfer without a data connection is 425", "RFC 959, 5.4", `
		RETR f             => 425
		STOR x             => 425
		LIST               => 425
		NLST               => 425
		MLSD               => 425
		STOU               => 425`},
	{"TLS is asked for in order", "RFC 4217, 4 and 9; RFC 2228, 3", `
		AUTH TLS           => 503
		AUTH BOGUS         => 504
		AUTH               => 501
		PROT               => 501
		PBSZ               => 501`},
	{"FEAT tells what there is", "RFC 2389, 3; RFC 3659, 7.8", `
		FEAT               => ~ MLST type\*;size\*;modify\*;perm\*;unique\*;UNIX\.mode\*;\r\n
		FEAT               => ~ TVFS\r\n
		FEAT               => ~ REST STREAM\r\n
		FEAT               => ~ UTF8\r\n
		FEAT               => ~ HASH SHA-256\*;SHA-512;SHA-1;MD5;CRC32\r\n
		FEAT               => ~ HOST\r\n LANG EN\*\r\n MDTM\r\n MFMT\r\n`},
	{"the facts of MLST and MLSD are chosen", "RFC 3659, 7.5 and 7.9", `
		OPTS MLST size;type; => 200 MLST OPTS type;size;
		MLST f             => ~\r\n type=file;size=7; /f\r\n
		MLSD dir           =>> type=file;size=5; inner.txt|type=dir; sub
		OPTS MLST          => 200 MLST OPTS
		OPTS MLST perm;unique; => 200
		MLST f             => ~\r\n perm=adfrw;unique=[0-9a-f]+g[0-9a-f]+; /f\r\n
		MLST dir           => ~\r\n perm=cdeflmp;unique=`},
	{"MLSD lists folders alone", "RFC 3659, 7.2.1", `
		EPSV               => 229
		MLSD f             => 501`},
	{"MLST names what the next command can use", "RFC 3659, 7.3.1", `
		CWD dir            => 250
		MLST inner.txt     => ~; /dir/inner\.txt\r\n
		MLST               => ~type=cdir;`},
	{"LIST is what ls writes", "RFC 959, 4.1.3", `
		LIST pipe          =>> ~^prw------- 1 ftp +ftp +0 .* pipe
		LIST old           =>> ~^-rw-r--r-- .* Feb  3  2001 old
		LIST future        =>> ~^-rw-r--r-- .* \w{3} [ \d]\d  20\d\d future
		LIST dir/inner.txt =>> ~inner\.txt$`},
	{"options of ls are for ls", "RFC 959, 4.1.3", `
		LIST -la dir       =>> ~inner\.txt
		LIST -a            =>> ~ f\|
		NLST -1 dir        =>> dir/inner.txt|dir/sub
		NLST -l            =>> -l`},
	{"STAT of a path is a listing", "RFC 959, 5.4", `
		STAT f             => 213-
		STAT dir           => ~^212-.*\r\n -rw-r--r-- .* inner\.txt\r\n.*\r\n212 `},
	{"NLST knows wildcards, and names are names first", "RFC 1123, 4.1.2.7", `
		NLST *.txt         =>> a.txt|b.txt
		NLST dir/*.txt     =>> dir/inner.txt
		NLST /dir/*        =>> /dir/inner.txt|/dir/sub
		NLST ?.txt         =>> a.txt|b.txt
		NLST [b-z].txt     =>> b.txt
		LIST star*name     =>> ~star\*name$
		NLST star*name     =>> star*name
		RETR star*name     =>> s`},
	{"REST is for the next transfer alone", "RFC 3659, 5; RFC 959, 4.1.3", `
		TYPE I             => 200
		REST 4             => 350
		RETR f             =>> ent
		REST 4             => 350
		LIST pipe          =>> ~ pipe$
		RETR f             =>> content
		REST -5            => 501
		TYPE A             => 200
		REST 4             => 501 REST is for binary transfers. Use TYPE I first.
		REST x             => 501`},
	{"SIZE is of binary transfers", "RFC 3659, 4", `
		SIZE f             => 550 SIZE is of binary transfers. Use TYPE I first.
		TYPE I             => 200
		SIZE f             => 213 7
		SIZE dir           => 550
		SIZE nowhere       => 550 /nowhere: file does not exist.`},
	{"RNFR holds for the next command alone", "RFC 959, 4.1.3", `
		RNFR f             => 350
		NOOP               => 200
		RNTO g             => 503
		RNFR f             => 350
		RNTO no/such/g     => 550
		RNTO g             => 503
		RNFR f             => 350
		RNTO g             => 250`},
	{"a command is its whole name", "RFC 959, 5.3", `
		FOOABOR            => 500
		XSTAT              => 500
		ZQUIT              => 500
		NOOP               => 200`},
	{"Telnet's commands are no part of FTP's", "RFC 959, 4.1.3; RFC 1123, 4.1.2.10", "\xff\xf4\xff\xf2NOOP => 200\n\xff\xfe\x01PWD => 257"},
	{"control characters are neither taken nor sent back", "RFC 959, 5.3.2", "CWD a\rb => 501 Control\nCWD \x1b[31m => 501 Control\nMKD a\x00b => 501 Control"},
	{"folders and files are removed by their own commands", "RFC 959, 4.1.3", `
		DELE dir           => 550
		RMD f              => 550
		DELE f             => 250
		RMD dir/sub        => 250`},
	{"what is no file is not transferred", "RFC 959, 5.4", `
		EPSV               => 229
		RETR dir           => 550
		RETR pipe          => 550
		STOR dir           => 550
		APPE pipe          => 550`},
	{"HASH tells and chooses its digest", "draft-bryan-ftpext-hash-02", `
		HASH f             => 213 SHA-256 0-7 ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73 f
		OPTS HASH          => 200 SHA-256
		OPTS HASH sha-1    => 200 SHA-1
		CWD dir            => 250
		HASH ../f          => 213 SHA-1 0-7 040f06fd774092478d450774f5ba30c5da78acc8 ../f
		OPTS HASH CRC32    => 200 CRC32
		HASH inner.txt     => 213 CRC32 0-5 6d310bc9 inner.txt
		OPTS HASH MD9      => 501
		HASH nowhere       => 550
		HASH sub           => 550`},
	{"XCRC and its like hash a file or a part", "their drafts; Serv-U, ProFTPD", `
		XCRC f             => 250 FEC530A9
		XCRC "f"           => 250 FEC530A9
		XMD5 f             => 250 9A0364B9E99BB480DD25E1F0284C8555
		XSHA f             => 250 040F06FD774092478D450774F5BA30C5DA78ACC8
		XSHA1 f            => 250 040F06FD
		XSHA256 f          => 250 ED7002B4
		XSHA512 f          => 250 B2D1D285
		XMD5 f 0 7         => 250 9A0364B9E99BB480DD25E1F0284C8555
		XMD5 f 4           => 250 645EC79F22BEC5EFE970061D395CF7C4
		XMD5 "with space" 0 1 => 250 9DD4E461268C8034F5C8564E155C67A6
		XMD5 with space    => 250 9DD4E461268C8034F5C8564E155C67A6
		XMD5 f 5 2         => 501
		XMD5 f 0 99        => 501
		XMD5 "f            => 550
		XMD5 pipe          => 550`},
	{"STOU tells its name", "RFC 1123, 4.1.2.9", `
		STOU               <<= content ~^150 FILE: upload\.[a-z2-7]{12}$
		STOU name          <<= content ~^150 FILE: name\.[a-z2-7]{12}$`},
	{"ALLO and AVBL tell of the room", "RFC 959, 4.1.3; draft-peterson-streamlined-ftp-command-extensions, 4", `
		ALLO 1000          => 200
		ALLO 1000 R 80     => 200
		ALLO 999999999999999999 => 552
		ALLO x             => 501
		ALLO               => 501
		AVBL               => ~^213 \d+$
		AVBL dir           => ~^213 \d+$
		AVBL nowhere       => 550`},
	{"replies are in English", "RFC 2640, 4.1", `
		LANG               => 200
		LANG EN            => 200
		LANG en-GB         => 200
		LANG fr            => 504`},
	{"HOST comes before USER", "RFC 7151, 3.2", `
		HOST ftp.example.com => 503
		REIN               => 220`},
	{"names are UTF-8", "RFC 2640, 3.1", `
		OPTS UTF8 ON       => 200
		OPTS UTF8 NLST     => 200
		OPTS UTF8 OFF      => 504
		OPTS NONSENSE      => 501
		CLNT test          => 200
		MKD süß            => 257 "/süß"
		CWD süß            => 250`},
	{"times are set", "draft-somers-ftp-mfxx, 3; RFC 3659, 2.3", `
		MFMT 20200304050607 f => 213 Modify=20200304050607; f
		MDTM f             => 213 20200304050607
		MFMT 20200304050607.123 with space => 213
		MFMT 20201304050607 f => 501
		MFMT f             => 501
		MFCT 20200304050607 f => 502
		SITE UTIME 202101020304 f => 200
		MDTM f             => 213 20210102030400
		SITE UTIME with space 20190101000000 20180101000000 20170101000000 UTC => 200
		MDTM with space    => 213 20180101000000
		SITE UTIME f       => 501
		MFMT 20200304050607 nowhere => 550`},
	{"SITE changes modes and makes folders", "RFC 959, 4.1.3", `
		SITE CHMOD 600 f   => 200
		MLST f             => ~UNIX\.mode=0600;
		SITE CHMOD 4755 f  => 200
		MLST f             => ~UNIX\.mode=0755;
		SITE CHMOD         => 501
		SITE CHMOD rwx f   => 501
		SITE MKDIR x/y/z   => 250
		CWD x/y/z          => 250
		SITE CHOWN 0 f     => 504
		SITE NONSENSE      => 504`},
	{"CCC is refused", "RFC 2228, 3 and 5.3", `
		CCC                => ~^53[34] `},
	{"ABOR without a transfer", "RFC 959, 5.4", `
		ABOR               => 226
		STAT               => 211`},
	{"what belongs to the past is known, and not offered", "RFC 959, 4.2: 502", `
		SMNT x             => 502
		LPRT x             => 502
		LPSV               => 502
		ADAT x             => 502
		ENC x              => 502
		MIC x              => 502
		CONF x             => 502`},
}

func TestConformance(t *testing.T) {
	for _, c := range conformance {
		for kind, login := range logins {
			t.Run(c.name+", "+kind, func(t *testing.T) {
				t.Parallel() // each has a service of its own
				s := serve(t, nil)
				tree(t, s)
				s.write("f", []byte("content"))
				s.mkdir("dir/sub")
				login(s).play(c.script)
			})
		}
	}
}
