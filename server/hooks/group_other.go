//go:build !unix

package hooks

import "os/exec"

// ownGroup leaves killing to package os/exec: the command alone is killed.
func ownGroup(*exec.Cmd) {}

// endGroup has no group to end.
func endGroup(*exec.Cmd) {}
