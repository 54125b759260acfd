//go:build !linux

package crmtest

// newWakeUp gives none: the runtime's timers have to do.
func newWakeUp() (wakeUp, error) { return nil, nil }
