package cmd

import (
	"crypto/tls"
	"fmt"

	"github.com/spf13/cobra"

	"natftpd/conf"
	"natftpd/driver"
)

func (p *program) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Check, show or make a configuration",
		RunE: func(c *cobra.Command, args []string) error {
			if err := noArgs(c, args); err != nil {
				return err
			}
			return usageError{fmt.Errorf("config needs one of check, show, example, reference")}
		},
		Args: cobra.ArbitraryArgs,
	}
	c.AddCommand(
		&cobra.Command{
			Use: "check", Short: "Find every mistake in the configuration", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return p.configCheck() },
		},
		&cobra.Command{
			Use: "show", Short: "Print the configuration in force, and where each value came from", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				loaded, err := p.load()
				if err != nil {
					return err
				}
				return loaded.Show(p.out)
			},
		},
		&cobra.Command{
			Use: "example", Short: "Print a commented configuration with every default", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprint(p.out, conf.Example())
				return err
			},
		},
		&cobra.Command{
			Use: "reference", Short: "Print a page on every key, in Markdown", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprint(p.out, conf.Reference())
				return err
			},
		},
	)
	return c
}

func (p *program) configCheck() error {
	loaded, err := p.load()
	if err != nil {
		return err
	}
	if err := checkCertificate(loaded.TLS); err != nil {
		return err
	}
	if _, err := filesOf(loaded.FTP, nil); err != nil {
		return err
	}
	for _, w := range loaded.Warnings {
		fmt.Fprintf(p.err, "warning: %s\n", w)
	}
	name := loaded.Path
	if name == "" {
		name = "no configuration file; the defaults"
	}
	fmt.Fprintf(p.out, "%s: fine\n", name)
	return nil
}

// checkCertificate reads the operator's TLS files.
func checkCertificate(c conf.TLS) error {
	if c.Mode == conf.TLSOff || c.Certificate == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(c.Certificate, c.Key); err != nil {
		return invalidError{fmt.Errorf("tls.certificate %s with tls.key %s: %w; name PEM files that the server may read, or leave both out for a self-signed one", c.Certificate, c.Key, err)}
	}
	return nil
}

// checkPassword says what is wrong with the password of a user.
func checkPassword(stored string) error { return driver.CheckPassword(stored) }
