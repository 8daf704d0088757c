package export

import "h2trace/decoder/ktime"

// Meta is what events of every kind say first: when, and of which process
// and connection.
type Meta struct {
	// Time is when the kernel saw the event.
	Time ktime.Time
	PID  int
	// Comm is the process's name in the kernel; empty is unknown.
	Comm string
	// Conn is the connection's id in this run; empty for events that belong
	// to none.
	Conn string
}

// schemaVersion is the "v" of each line. It changes when a reader of the
// former version would misread a line; new keys do not change it.
const schemaVersion = "1"

// appendHead appends a line up to its "event" key.
func (j *JSONL) appendHead(b []byte, at ktime.Time, k Kind) []byte {
	b = append(b, `{"v":`+schemaVersion+`,"ts":`...)
	b = j.appendTime(b, at)
	b = append(b, `,"event":"`...)
	b = append(b, kindNames[k]...)
	return append(b, '"')
}

// appendTime appends the wall time of a kernel time.
func (j *JSONL) appendTime(b []byte, at ktime.Time) []byte {
	return j.times.append(b, j.clock.Wall(at))
}

// appendMeta appends a line up to its connection.
func (j *JSONL) appendMeta(b []byte, m *Meta, k Kind) []byte {
	b = j.appendHead(b, m.Time, k)
	b = append(b, `,"pid":`...)
	b = appendInteger(b, m.PID)
	b = appendTextOrNull(b, "comm", m.Comm)
	if m.Conn != "" {
		b = appendText(b, "conn", m.Conn)
	}
	return b
}
