// Package sandbox runs what parses the bytes of others on a thread without rights, where the system
// has such a thing: Linux.
package sandbox

import (
	"fmt"
	"runtime/debug"
)

// Run calls f on a thread of its own without rights (see rights.Parser of bpf/rights), which ends with
// f. refused is called there if the system leaves it some. A panic of f is one of the caller, who may
// have a terminal to restore.
func Run(f func() error, refused func(error)) error {
	type end struct {
		err      error
		panicked any
	}
	ended := make(chan end)
	go func() {
		var e end
		defer func() {
			if reason := recover(); reason != nil {
				e.panicked = fmt.Sprintf("%v\n\n%s", reason, debug.Stack())
			}
			ended <- e
		}()
		if err := Thread(); err != nil {
			refused(err)
		}
		e.err = f()
	}()
	e := <-ended
	if e.panicked != nil {
		panic(e.panicked)
	}
	return e.err
}
