package gate

import "strconv"

// coverQueue is how many requests to mark may wait. Further ones are dropped: they
// are names of mount namespaces, and each is requested once.
const coverQueue = 64

// marker marks file systems that are mounted later. It has its own goroutine, because
// a path lookup can take long when a file server does not answer.
type marker struct{ queue chan string }

func newMarker(l *listener) marker {
	m := marker{queue: make(chan string, coverQueue)}
	go func() {
		for process := range m.queue {
			// A file system that cannot be marked is not held, and nobody waits for a
			// report.
			_, _ = l.markMounts(process)
		}
	}()
	return m
}

func (m marker) changed() { m.mark("self") }

func (m marker) cover(pid int) { m.mark(strconv.Itoa(pid)) }

func (m marker) mark(process string) {
	select {
	case m.queue <- process:
	default:
	}
}
