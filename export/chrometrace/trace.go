package chrometrace

import (
	"io"
	"unicode/utf8"

	"h2trace/export/scan"
)

// Trace converts events. They may come from several recordings, each of which ends with a summary,
// or with EndFile.
type Trace struct {
	out   output
	times scan.Times
	event scan.Object

	processes table[int64, *process]
	conns     table[string, *conn]
	streams   int    // that hold a lane
	lanes     int    // of processes and conns
	threads   int64  // lanes so far
	order     int64  // processes so far
	at        int64  // of the event, nanoseconds
	last      micros // the latest time of the recording

	spans goSpans // of go commands

	// ShowSecrets keeps the secrets in the names of these spans. Those of events are kept in
	// any case.
	ShowSecrets bool
}

// The bounds on what is kept of a recording at once.
const (
	maxProcesses = 1 << 12
	maxConns     = 1 << 12
	maxStreams   = 1 << 15
	maxID        = 64  // bytes of the id of a connection
	maxName      = 160 // bytes of a name
)

// New returns a Trace that writes to w. Close must be called at the end.
func New(w io.Writer) *Trace {
	t := &Trace{out: output{to: w}}
	t.processes.init(maxProcesses, t.processEnded)
	t.conns.init(maxConns, t.connEnded)
	return t
}

// Take converts a line, and reports whether it is an event, or one of a go command. It returns the
// first error of the writer.
func (t *Trace) Take(line []byte) (isEvent bool, err error) {
	e := &t.event
	if !e.Parse(line) {
		return t.goTrace(line), t.out.err
	}
	var timed bool
	if t.at, timed = t.times.Parse(e.Get("ts")); !timed {
		return false, t.out.err
	}
	t.last = max(t.last, microsOf(t.at))
	switch string(e.Word("event")) {
	case "process":
		t.process()
	case "conn":
		t.conn()
	case "frame":
		t.frame()
	case "request":
		t.request()
	case "exchange":
		t.exchange()
	case "stall":
		t.stall()
	case "loss", "verify":
		t.mark()
	case "summary":
		t.EndFile()
	}
	return true, t.out.err
}

// EndFile ends a recording: what is under way ends with it.
func (t *Trace) EndFile() {
	t.conns.clear()
	t.processes.clear()
	t.last = 0
	t.spans.read.EndFile()
	t.spans.forget()
}

// Close ends the trace, and returns the first error of the writer.
func (t *Trace) Close() error {
	t.EndFile()
	return t.out.close()
}

// pid returns the process of the event.
func (t *Trace) pid() int64 {
	pid, _ := scan.Integer(t.event.Get("pid"))
	return max(pid, 0)
}

// cut returns a name that is not too long.
func cut(s string) string {
	if len(s) <= maxName {
		return s
	}
	end := maxName
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
