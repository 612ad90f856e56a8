// The command natftpd is an FTP server for the machine behind a home router.
package main

import (
	"os"

	"natftpd/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:])) }
