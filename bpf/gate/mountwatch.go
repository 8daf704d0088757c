package gate

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// coverQueue is how many requests to mark may wait. More are dropped: they are
// for names of mount namespaces, and each is asked for once.
const coverQueue = 64

// mountWatch sets marks on file systems that are mounted later. It has a
// goroutine of its own: looking up a path can take long, when a server that it
// leads through does not answer.
type mountWatch struct {
	fd    int // of mountinfo; poll(2) reports POLLPRI when mounts changed
	queue chan string
}

func (l *listener) watchMounts() (*mountWatch, error) {
	fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open mountinfo", err)
	}
	w := &mountWatch{fd: fd, queue: make(chan string, coverQueue)}
	go func() {
		for process := range w.queue {
			// What cannot be marked is not held, and nobody waits to be told.
			_, _ = l.markMounts(process)
		}
	}()
	return w, nil
}

func (w *mountWatch) changed() { w.mark("self") }

func (w *mountWatch) cover(pid int) { w.mark(strconv.Itoa(pid)) }

func (w *mountWatch) mark(process string) {
	select {
	case w.queue <- process:
	default:
	}
}
