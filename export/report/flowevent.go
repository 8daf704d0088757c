package report

import "time"

// credit is how much a window lets through, in bytes.
type credit struct {
	bytes int64
	known bool
}

var windowKeys = [...]string{"conn_send", "conn_recv", "stream_send", "stream_recv"}

// frameEvent is a frame, of which a report reads the windows.
type frameEvent struct {
	head
	window [len(windowKeys)]credit
}

func (e *frameEvent) member(key, v []byte) {
	if string(key) == "window" {
		members(v, e.credit)
	}
}

func (e *frameEvent) credit(key, v []byte) {
	for i, name := range windowKeys {
		if string(key) == name {
			e.window[i].bytes, e.window[i].known = integer(v)
		}
	}
}

// stallEvent is a time in which flow control let nothing through.
type stallEvent struct {
	head
	recv   bool // the window is one that the process grants
	length time.Duration
	window int64
}

func (e *stallEvent) member(key, v []byte) {
	switch string(key) {
	case "side":
		e.recv = is(v, "recv_window")
	case "stall_ms":
		e.length, _ = millis(v)
	case "window":
		e.window, _ = integer(v)
	}
}
