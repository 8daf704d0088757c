package top

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// Notices holds messages while a Screen is on the terminal, and prints them afterwards.
type Notices struct {
	mu     sync.Mutex
	to     io.Writer
	held   bool
	buf    []byte
	latest string
}

// maxNotices bounds what is held, in bytes.
const maxNotices = 64 << 10

// NewNotices returns Notices that print to a file.
func NewNotices(to io.Writer) *Notices { return &Notices{to: to} }

// Write takes a message.
func (n *Notices) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.held {
		return n.to.Write(p)
	}
	n.buf = append(n.buf, p...)
	if over := len(n.buf) - maxNotices; over > 0 {
		if i := bytes.IndexByte(n.buf[over:], '\n'); i >= 0 {
			over += i + 1
		}
		n.buf = append(n.buf[:0], n.buf[over:]...)
	}
	n.latest = strings.TrimPrefix(strings.TrimSpace(string(p)), "h2trace: ")
	return len(p), nil
}

// hold begins to hold messages.
func (n *Notices) hold() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = true
}

// release prints what is held, and all that comes.
func (n *Notices) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = false
	_, _ = n.to.Write(n.buf) // nothing is left to say so on
	n.buf = nil
}

// last returns the latest message that is held.
func (n *Notices) last() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.latest
}
