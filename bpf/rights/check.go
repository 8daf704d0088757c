//go:build linux

package rights

import (
	"errors"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Seccomp returns why the kernel, or who started this process, allows no filters of system calls, or
// nil.
func Seccomp() error {
	if !seccomp.Supported() {
		return errors.New("the kernel has none, or a filter of who started h2trace forbids it")
	}
	return nil
}

// Dropped returns the capabilities that this process may use, and that are not among some.
func Dropped(keep []cap.Value) []cap.Value {
	var dropped []cap.Value
	for c := cap.Value(0); c < cap.MaxBits(); c++ {
		if Has(c) && !slices.Contains(keep, c) {
			dropped = append(dropped, c)
		}
	}
	return dropped
}
