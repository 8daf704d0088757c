package packets

import (
	"sync"
	"sync/atomic"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// random is that of a ClientHello, which the secrets of a session go by.
type random [32]byte

// board is what the reader of events knows and the Recorder needs. Its exported methods are
// for the reader of events.
type board struct {
	until   atomic.Int64  // all events before this ktime.Time are read
	awaited atomic.Bool   // the Recorder waits for a change
	isFresh atomic.Bool   // there is something in fresh
	isNamed atomic.Bool   // there is something in names
	changed chan struct{} // wakes it

	mu       sync.Mutex
	unwanted bool // secrets go nowhere
	sessions map[random]*session
	fresh    []*session // with lines that are not written yet
	names    map[uint64]string
}

// session holds the secrets of a TLS session.
type session struct {
	lines   []byte // of a key log file (RFC 9850)
	written int    // of lines
	labels  map[string]bool
}

// complete reports whether all secrets are there that open what a server sends: one up to
// TLS 1.2, and four in TLS 1.3.
func (s *session) complete() bool {
	return s != nil && (s.labels[bpf.LabelMaster] || len(s.labels) >= 4)
}

// maxKept bounds the sessions, those with lines that are not written yet, and the names.
const maxKept = 1 << 14

func newBoard(secrets bool) board {
	return board{
		changed: make(chan struct{}, 1), unwanted: !secrets,
		sessions: make(map[random]*session), names: make(map[uint64]string),
	}
}

// Read says that all events before a time are read.
func (b *board) Read(until ktime.Time) {
	b.until.Store(int64(until))
	if b.awaited.Load() {
		select {
		case b.changed <- struct{}{}:
		default:
		}
	}
}

// Secret adds a secret.
func (b *board) Secret(s *bpf.Secret) {
	if s.Label == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unwanted {
		return
	}
	of := b.sessions[s.ClientRandom]
	if of == nil {
		if len(b.sessions) == maxKept {
			clear(b.sessions)
		}
		of = &session{labels: make(map[string]bool)}
		b.sessions[s.ClientRandom] = of
	}
	if of.labels[s.Label] { // both ends of a connection derive the same
		return
	}
	if of.written == len(of.lines) {
		if len(b.fresh) == maxKept { // no packet has come for long
			clear(b.fresh)
			b.fresh = b.fresh[:0]
		}
		b.fresh = append(b.fresh, of)
	}
	of.labels[s.Label] = true
	of.lines = s.AppendLine(of.lines)
	b.isFresh.Store(true)
}

// Name says what a connection is called, by the cookie of its socket.
func (b *board) Name(socket uint64, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.names) == maxKept {
		clear(b.names)
	}
	b.names[socket] = name
	b.isNamed.Store(true)
}

// has reports whether all secrets of a session are there.
func (b *board) has(r random) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[r].complete()
}

// take appends the lines that are not written yet.
func (b *board) take(lines []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range b.fresh {
		lines = append(lines, s.lines[s.written:]...)
		s.written, b.fresh[i] = len(s.lines), nil
	}
	b.fresh = b.fresh[:0]
	b.isFresh.Store(false)
	return lines
}

// again appends all lines of a session that were written.
func (b *board) again(lines []byte, r random) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[r]; s != nil {
		lines = append(lines, s.lines[:s.written]...)
	}
	return lines
}

// takeName returns the name of a connection, once.
func (b *board) takeName(socket uint64) string {
	if !b.isNamed.Load() {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name := b.names[socket]
	delete(b.names, socket)
	b.isNamed.Store(len(b.names) > 0)
	return name
}

// drop forgets a session.
func (b *board) drop(r random) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[r]; s != nil && s.written == len(s.lines) {
		clear(s.lines)
		delete(b.sessions, r)
	}
}

// dropAll forgets all sessions, and those that come.
func (b *board) dropAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sessions {
		clear(s.lines)
	}
	b.unwanted, b.sessions, b.fresh = true, nil, nil
	b.isFresh.Store(false)
}
