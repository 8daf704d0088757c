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

// Bound drops all capabilities but some from the bounding set: no process that this one starts can
// get them. It takes CAP_SETPCAP, and some 0.1 ms for each capability; without it, nothing changes.
// What this process itself may do stays.
func Bound(keep []cap.Value) error {
	if !Has(cap.SETPCAP) {
		return nil
	}
	for c := cap.Value(0); c < cap.MaxBits(); c++ {
		bound, err := cap.GetBound(c)
		if err == nil && bound && !slices.Contains(keep, c) {
			err = cap.DropBound(c)
		}
		if err != nil {
			return fmt.Errorf("drop %s from the bounding set: %w", c, err)
		}
	}
	return nil
}

// Keep drops all capabilities but some from the permitted, effective, inheritable and ambient set
// of all threads. It adds none.
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
