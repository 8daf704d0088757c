package gate

import (
	"os"
	"strconv"
)

// coverQueue is how many requests to mark may wait. Further ones are dropped: they
// are names of mount namespaces, and each is requested once.
const coverQueue = 64

// marker marks file systems that are mounted later. It has its own goroutine, because
// a path lookup can take long when a file server does not answer.
type marker struct{ queue chan place }

// here is the mount namespace of the gatekeeper.
var here = place{process: "self"}

// place is a mount namespace: that of a process, and its root directory; nil is that of the
// gatekeeper.
type place struct {
	process string
	root    *os.File
}

func newMarker(l *listener) marker {
	m := marker{queue: make(chan place, coverQueue)}
	go func() {
		for p := range m.queue {
			// A file system that cannot be marked is not held, and nobody waits for a
			// report.
			_, _ = l.markMounts(p)
			_ = p.root.Close() // which may be nil
		}
	}()
	return m
}

func (m marker) changed() { m.mark(here) }

// cover owns the root directory of the process.
func (m marker) cover(pid int, root *os.File) {
	if root != nil {
		m.mark(place{strconv.Itoa(pid), root})
	}
}

func (m marker) mark(p place) {
	select {
	case m.queue <- p:
	default:
		_ = p.root.Close() // which may be nil
	}
}
