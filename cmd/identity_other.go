//go:build !unix

package cmd

// dropPrivileges has no numbers of users to go by here.
func (p *program) dropPrivileges(string, []string) error { return nil }
