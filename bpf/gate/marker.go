package gate

import "strconv"

// coverQueue is how many requests to mark may wait. More are dropped: they are
// for names of mount namespaces, and each is asked for once.
const coverQueue = 64

// marker sets marks on file systems that are mounted later. It has a goroutine of
// its own: looking up a path can take long, when a server that it leads through
// does not answer.
type marker struct{ queue chan string }

func newMarker(l *listener) marker {
	m := marker{queue: make(chan string, coverQueue)}
	go func() {
		for process := range m.queue {
			// What cannot be marked is not held, and nobody waits to be told.
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
