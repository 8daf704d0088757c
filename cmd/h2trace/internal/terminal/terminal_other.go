//go:build !linux

package terminal

import "os"

// Is takes each character device for a terminal, but the null device.
func Is(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// columns returns 0: the width is not known.
func columns(*os.File) int { return 0 }
