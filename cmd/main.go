// Package cmd is natftpd's command line: it reads arguments, environment and
// configuration, wires the packages together (serve.go, the only file that knows
// them all), and speaks to the person in front of the terminal.
//
// Results go to standard output, logs and errors to standard error. Each error
// names the next step.
package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"natftpd/conf"
)

// The exit codes. They are an interface: supervisors and scripts decide by them.
const (
	exitOK      = 0
	exitFailed  = 1 // failed while running
	exitUsage   = 2 // wrong usage
	exitInvalid = 3 // the configuration is invalid: starting again won't help
	// doctor: nobody outside can reach the server
	exitUnreachable = 4
)

// usageError is what a person typed wrong.
type usageError struct{ error }

// invalidError is a configuration that can't be used, found after conf has
// accepted it.
type invalidError struct{ error }

// program is one run of the command line.
type program struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	config   string // --config
}

// Main runs natftpd with args, without the program's name, and returns its exit
// code.
func Main(args []string) int {
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	root := p.root()
	root.SetArgs(args)
	return p.explain(root.Execute())
}

// Tree is the command line, for those who describe it. It is not to be run.
func Tree() *cobra.Command { return new(program).root() }

// explain says what went wrong, and what exit code that is.
func (p *program) explain(err error) int {
	var usage usageError
	var invalid invalidError
	var mistakes *conf.Mistakes
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUnreachable):
		return exitUnreachable
	case errors.As(err, &usage):
		fmt.Fprintf(p.err, "natftpd: %v; see natftpd --help\n", err)
		return exitUsage
	case errors.As(err, &mistakes):
		fmt.Fprintln(p.err, mistakes)
		fmt.Fprintf(p.err, "natftpd: %s in the configuration, nothing was started; natftpd config example prints a commented one\n", count(len(mistakes.List), "mistake"))
		return exitInvalid
	case errors.As(err, &invalid):
		fmt.Fprintf(p.err, "natftpd: %v\n", err)
		return exitInvalid
	}
	fmt.Fprintf(p.err, "natftpd: %v\n", err)
	return exitFailed
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// runServe serves, in a process that is set up for it.
func (p *program) runServe(c *cobra.Command, _ []string) error {
	relaxTimers()
	return p.serve(c.Context())
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "natftpd",
		Short: "An FTP server for the machine behind a home router",
		Long: `An FTP server for the machine behind a home router. It finds the address that the
internet knows this network by, asks the router to open its ports, and tells each
client the address that this client can reach.

Without a command it serves, and without a configuration it serves ./share to the
user ftp, whose password it prints once.`,
		Example: `  natftpd
  natftpd serve --config /etc/natftpd/natftpd.yaml
  natftpd config example > natftpd.yaml
  natftpd hash-password < password.txt`,
		Args:          noArgs,
		RunE:          p.runServe,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVar(&p.config, "config", "",
		"configuration `FILE` (default: $NATFTPD_CONFIG, ./natftpd.yaml, the user's\nconfiguration folder, /etc/natftpd/natftpd.yaml)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		&cobra.Command{
			Use: "serve", Short: "Serve files until SIGINT or SIGTERM (what a bare natftpd does)", Args: noArgs,
			RunE: p.runServe,
		},
		p.doctorCommand(),
		p.statusCommand(),
		p.configCommand(),
		&cobra.Command{
			Use: "hash-password", Short: "Read a password from standard input, print its hash for the configuration", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return p.hashPassword() },
		},
		&cobra.Command{
			Use: "healthcheck", Short: "Tell by the exit code whether the server on this host answers", Args: noArgs, Hidden: true,
			RunE: func(c *cobra.Command, _ []string) error { return p.healthcheck(c.Context()) },
		},
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: noArgs,
			Run: func(*cobra.Command, []string) { fmt.Fprintln(p.out, version()) },
		},
	)
	return root
}

// noArgs refuses what is no command of c.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if close := c.SuggestionsFor(args[0]); len(close) > 0 {
		err = fmt.Errorf("unknown command %q, did you mean %q?", args[0], close[0])
	}
	return usageError{err}
}

// load reads the configuration.
func (p *program) load() (*conf.Loaded, error) {
	return conf.Load(conf.Source{Path: p.config, Environ: p.environ, CheckPassword: checkPassword})
}

// variable is the value of an environment variable; "": it is not set.
func (p *program) variable(name string) string {
	for _, e := range p.environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}
