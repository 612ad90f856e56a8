//go:build !unix

package control

import "io/fs"

// unique is not known elsewhere.
func unique(fs.FileInfo) string { return "" }
