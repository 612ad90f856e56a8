//go:build !linux && !darwin && !freebsd

package driver

import (
	"errors"
	"os"
)

// availableSpace is not known here.
func availableSpace(*os.File) (int64, error) { return 0, errors.ErrUnsupported }
