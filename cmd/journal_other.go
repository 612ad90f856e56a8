//go:build !unix

package cmd

import "os"

func deviceAndInode(*os.File) string { return "" }
