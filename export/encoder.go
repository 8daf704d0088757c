package export

import (
	"h2trace/decoder/ktime"
	"h2trace/export/redact"
)

// encoder appends the keys that all kinds of events share, and the payloads of frames. It
// is not safe for concurrent use.
type encoder struct {
	screen
	bodies bool
	clock  ktime.Clock
	times  timestamps
	flags  flagNames
	origin origin
}

// origin caches the keys of the last line that say whose it is. Lines of one connection
// follow each other.
type origin struct {
	pid        int
	comm, conn string
	json       []byte // nil: none
}

func newEncoder(o *Options) encoder {
	e := encoder{bodies: o.Bodies, clock: o.Clock, flags: make(flagNames)}
	e.fields = newFieldCache()
	if !o.ShowSecrets {
		e.redactor = redact.New()
	}
	return e
}

// schemaVersion is the "v" of each line. It changes when a reader of the previous version
// would misread a line; new keys do not change it.
const schemaVersion = "1"

// appendHead begins a line and appends the keys up to "event".
func (e *encoder) appendHead(b []byte, at ktime.Time, k Kind) []byte {
	b = append(b, `{"v":`+schemaVersion+`,"ts":`...)
	b = e.appendTime(b, at)
	b = append(b, `,"event":"`...)
	b = append(b, kindNames[k]...)
	return append(b, '"')
}

// appendTime appends the wall time of a kernel time.
func (e *encoder) appendTime(b []byte, at ktime.Time) []byte {
	return e.times.append(b, e.clock.Wall(at))
}

// appendMeta begins a line and appends the keys up to "conn".
func (e *encoder) appendMeta(b []byte, m *Meta, k Kind) []byte {
	return append(e.appendHead(b, m.Time, k), e.originOf(m)...)
}

// originOf returns the keys from "pid" to "conn". They are valid until the next call.
func (e *encoder) originOf(m *Meta) []byte {
	o := &e.origin
	if o.json != nil && o.pid == m.PID && o.conn == m.Conn && o.comm == m.Comm {
		return o.json
	}
	o.pid, o.comm, o.conn = m.PID, m.Comm, m.Conn
	b := append(o.json[:0], `,"pid":`...)
	if m.PID > 0 {
		b = appendInteger(b, m.PID)
	} else {
		b = append(b, "null"...)
	}
	b = e.appendTextOrNull(b, "comm", m.Comm)
	if m.Conn != "" {
		b = appendText(b, "conn", m.Conn)
	}
	o.json = b
	return b
}
