//go:build !linux

package cmd

import "time"

// monotonic is nobody's business where there is no systemd.
func monotonic() time.Duration { return 0 }
