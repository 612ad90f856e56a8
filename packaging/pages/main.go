// Command pages writes what packages ship beside the binary, made of the command
// line itself: man pages and completions for shells.
//
//	go run ./packaging/pages FOLDER
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"natftpd/cmd"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./packaging/pages FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

// write makes FOLDER/man and FOLDER/completions.
func write(dir string) error {
	man, completions := filepath.Join(dir, "man"), filepath.Join(dir, "completions")
	for _, d := range []string{man, completions} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	root := cmd.Tree()
	// The date is that of $SOURCE_DATE_EPOCH: the same source makes the same pages.
	header := &doc.GenManHeader{Title: "NATFTPD", Section: "1", Source: "natftpd", Manual: "natftpd"}
	undate(root)
	if err := doc.GenManTree(root, header, man); err != nil {
		return err
	}
	for name, generate := range map[string]func(string) error{
		"natftpd.bash": func(file string) error { return root.GenBashCompletionFileV2(file, true) },
		"natftpd.fish": func(file string) error { return root.GenFishCompletionFile(file, true) },
		"_natftpd":     root.GenZshCompletionFile,
	} {
		if err := generate(filepath.Join(completions, name)); err != nil {
			return err
		}
	}
	return nil
}

// undate leaves out the line that says when a page was made.
func undate(c *cobra.Command) {
	c.DisableAutoGenTag = true
	for _, sub := range c.Commands() {
		undate(sub)
	}
}
