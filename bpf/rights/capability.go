//go:build linux

package rights

import (
	"errors"
	"fmt"
	"slices"

	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Has reports whether this process may use a capability.
func Has(c cap.Value) bool {
	on, err := cap.GetProc().GetFlag(cap.Effective, c)
	return err == nil && on
}

// Held returns the capabilities of a list that this process may use.
func Held(of []cap.Value) []cap.Value {
	return slices.DeleteFunc(slices.Clone(of), func(c cap.Value) bool { return !Has(c) })
}

// Keep drops all capabilities but some from the permitted, effective, inheritable and ambient set
// of all threads. It adds none. The bounding set stays: it takes a call of all threads for each
// capability, in all as much CPU time as a tenth of the start of h2trace, and with no_new_privs no
// execve(2) gets capabilities from it.
func Keep(keep []cap.Value) error {
	before, after := cap.GetProc(), cap.NewSet()
	for _, c := range keep {
		if permitted, err := before.GetFlag(cap.Permitted, c); err != nil || !permitted {
			continue // this kernel has no such capability, or the process does not
		}
		if err := errors.Join(after.SetFlag(cap.Permitted, true, c), after.SetFlag(cap.Effective, true, c)); err != nil {
			return err
		}
	}
	// That empties the ambient set, which is never larger than the inheritable one.
	if err := after.SetProc(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}
