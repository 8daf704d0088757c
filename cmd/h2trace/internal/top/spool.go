package top

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Spool holds what COMMAND prints while a Screen is on the terminal. It is a file in memory, not
// a pipe: COMMAND never waits for it, and does not lose it when h2trace is killed.
type Spool struct {
	file *os.File
	to   io.Writer

	mu      sync.Mutex
	copied  int64 // of the file
	dropped int64
	follows bool

	stop chan struct{}
	done chan struct{}
}

// A Spool drops what it holds when that is more than maxSpool, at each look.
const (
	maxSpool  = 16 << 20
	spoolLook = 50 * time.Millisecond
)

// NewSpool returns a Spool whose contents go to a terminal at last.
func NewSpool(to io.Writer) (*Spool, error) {
	fd, err := unix.MemfdCreate("h2trace-output", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("hold the output of COMMAND: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("hold the output of COMMAND: %w", err)
	}
	s := &Spool{file: os.NewFile(uintptr(fd), "output"), to: to, stop: make(chan struct{}), done: make(chan struct{})}
	go s.watch()
	return s, nil
}

// FD returns the descriptor for COMMAND.
func (s *Spool) FD() int { return int(s.file.Fd()) }

func (s *Spool) watch() {
	defer close(s.done)
	tick := time.NewTicker(spoolLook)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.mu.Lock()
			if s.follows {
				s.copy()
			}
			s.trim()
			s.mu.Unlock()
		}
	}
}

// trim drops what is held, if it is too much.
func (s *Spool) trim() {
	info, err := s.file.Stat()
	if err != nil || info.Size() <= maxSpool {
		return
	}
	s.dropped += info.Size() - s.copied
	_ = s.file.Truncate(0) // it goes on to grow then
	s.copied = 0
}

// copy copies what is new.
func (s *Spool) copy() {
	if s.dropped > 0 {
		_, _ = fmt.Fprintf(s.to, "h2trace: %d bytes of output are left out here\n", s.dropped) // as below
		s.dropped = 0
	}
	n, _ := io.Copy(s.to, io.NewSectionReader(s.file, s.copied, 1<<62)) // nothing is left to say so on
	s.copied += n
}

// Follow copies what is held, and from now on what comes.
func (s *Spool) Follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follows = true
	s.copy()
}

// Close copies the rest.
func (s *Spool) Close() {
	close(s.stop)
	<-s.done
	s.copy()
	_ = s.file.Close()
}
