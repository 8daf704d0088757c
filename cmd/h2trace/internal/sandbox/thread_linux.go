package sandbox

import (
	"runtime"

	"h2trace/bpf/rights"
)

// Thread takes the rights from the thread of the calling goroutine, which keeps the thread for good:
// the runtime ends both together. The error says what it has left.
func Thread() error {
	runtime.LockOSThread()
	return rights.Parser()
}
