// Command profiled is natftpd that writes a profile of its CPU time when it ends. The
// benchmark builds it, so that natftpd itself has no switch for that. It knows only
// where natftpd begins.
package main

import (
	"fmt"
	"os"
	"runtime/pprof"

	"natftpd/cmd"
)

// profileVariable names the file.
const profileVariable = "BENCH_PROFILE"

func main() {
	code, err := run(os.Getenv(profileVariable), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		code = 1
	}
	os.Exit(code)
}

func run(name string, args []string) (code int, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 1, fmt.Errorf("make the profile, a file that %s names: %w", profileVariable, err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return 1, err
	}
	code = cmd.Main(args)
	pprof.StopCPUProfile()
	return code, f.Close()
}
