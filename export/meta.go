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
