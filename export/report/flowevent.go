package report

import (
	"time"

	"h2trace/export/scan"
)

// credit is the credit of a window, in bytes.
type credit struct {
	bytes int64
	known bool
}

var windowKeys = [...]string{"conn_send", "conn_recv", "stream_send", "stream_recv"}

// frameEvent holds the windows of a frame.
type frameEvent struct {
	head
	stream []byte
	window [len(windowKeys)]credit
}

func (e *frameEvent) member(key, v []byte) {
	switch string(key) {
	case "stream":
		e.stream = v
	case "window":
		scan.Members(v, e.credit)
	}
}

func (e *frameEvent) credit(key, v []byte) {
	for i, name := range windowKeys {
		if string(key) == name {
			e.window[i].bytes, e.window[i].known = scan.Integer(v)
		}
	}
}

// stallEvent is a period in which flow control stalled a stream or a connection.
type stallEvent struct {
	head
	recv   bool // the process grants the window
	length time.Duration
	window int64
	stream []byte // as written, and so is start
	start  []byte
}

func (e *stallEvent) member(key, v []byte) {
	switch string(key) {
	case "side":
		e.recv = scan.Is(v, "recv_window")
	case "stream":
		e.stream = v
	case "start":
		e.start = v
	case "stall_ms":
		e.length, _ = scan.Millis(v)
	case "window":
		e.window, _ = scan.Integer(v)
	}
}
