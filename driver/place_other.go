//go:build !linux

package driver

import (
	"errors"
	"os"
)

// startBeneath finds nothing to start from: no other system goes a whole way
// inside a directory in one call.
func startBeneath(*os.Root) *os.File { return nil }

func openBeneath(*os.File, string) (place, error) { return nil, errors.ErrUnsupported }

// closesSilently is not known.
func closesSilently(*os.File) bool { return false }
