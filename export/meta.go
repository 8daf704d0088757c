package export

import "h2trace/decoder/ktime"

// Meta holds what events of all kinds begin with: the time, the process and the
// connection.
type Meta struct {
	// Time is when the kernel saw the event.
	Time ktime.Time
	PID  int
	// Comm is the process's name in the kernel; empty is unknown.
	Comm string
	// Conn is the connection's id in this run; empty for events without a connection.
	Conn string
}
