//go:build !linux

package data

// onDemand: it can be seen whether a connection is there.
const onDemand = false

type looker struct{}

// ready tells whether a connection is there.
func (d *door) ready() bool { return false }
