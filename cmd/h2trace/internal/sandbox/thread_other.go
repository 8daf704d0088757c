//go:build !linux

package sandbox

// Thread does nothing.
func Thread() error { return nil }
