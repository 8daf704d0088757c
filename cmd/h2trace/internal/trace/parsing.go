//go:build linux

package trace

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"h2trace/bpf/rights"
)

// onParser calls f, which decodes what comes from the network, on a thread of its own that cannot
// reach the network, nor change files but those that are open. The thread ends with f. A panic of f
// is one of the caller, who may have a terminal to restore.
func (o *Observer) onParser(f func() error) error {
	type end struct {
		err      error
		panicked any
	}
	ended := make(chan end)
	go func() {
		runtime.LockOSThread() // for good: the runtime ends the thread, and its filter, with the goroutine
		var e end
		defer func() {
			if reason := recover(); reason != nil {
				e.panicked = fmt.Sprintf("%v\n\n%s", reason, debug.Stack())
			}
			ended <- e
		}()
		if err := rights.Parser(); err != nil {
			o.msg.Infof("what parses keeps rights that it does not need: %v", err)
		}
		e.err = f()
	}()
	e := <-ended
	if e.panicked != nil {
		panic(e.panicked)
	}
	return e.err
}
