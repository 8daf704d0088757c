//go:build linux

package trace

import (
	"io"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
)

// keyLog writes session secrets as a key log file (RFC 9850), each as soon as it is known: a
// reader of the packets then has it before what it opens. A keyLog without a writer writes
// nothing.
type keyLog struct {
	to      io.Writer // counts what is written after its first error
	failed  bool
	msg     *message.Printer
	written map[keyLogged]bool
	line    []byte
}

// keyLogged identifies a secret.
type keyLogged struct {
	label  string
	random random
}

// maxKeyLogged bounds the secrets that are known to be written. Both ends of a connection
// derive the same; one that was written twice does no harm.
const maxKeyLogged = 1 << 14

// write writes a secret, once.
func (l *keyLog) write(s *bpf.Secret) {
	key := keyLogged{s.Label, s.ClientRandom}
	if l.to == nil || s.Label == "" || l.written[key] {
		return
	}
	if l.written == nil || len(l.written) == maxKeyLogged {
		l.written = make(map[keyLogged]bool)
	}
	l.written[key] = true
	b := s.AppendLine(l.line[:0])
	if _, err := l.to.Write(b); err != nil && !l.failed {
		l.msg.Infof("the observation goes on without session secrets: %v", err)
		l.failed = true
	}
	clear(b)
	l.line = b[:0]
}
