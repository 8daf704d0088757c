package export

import (
	"strconv"

	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
)

// ProcessError is for a go command that complains on stderr.
type ProcessError struct {
	Complaint goproxy.Complaint
	// Via is the HTTP proxy that it names, without credentials, or empty.
	Via string
	// Fetches are the exchanges that it is about, and Processes those of version
	// control systems.
	Fetches   []goproxy.Fetch
	Processes []Child
}

// Child is a failed process that another process ran.
type Child struct {
	PID      int
	Args     []string // nil is unknown
	ExitCode int
}

func (*ProcessError) action() string { return "error" }

func (e *ProcessError) appendKeys(s *screen, b []byte) []byte {
	c := &e.Complaint
	b = append(b, `,"module":`...)
	if c.Path == "" {
		b = append(b, "null"...)
	} else {
		b = append(b, `{"path":`...)
		b = s.appendString(b, c.Path)
		b = append(s.appendTextOrNull(b, "version", c.Version), '}')
	}
	b = s.appendError(b, &exchange.Error{Class: exchange.Class(c.Class), Detail: c.Detail})
	b = s.appendTextOrNull(b, "via", e.Via)
	b = s.appendFetches(b, e.Fetches)
	if len(e.Processes) > 0 {
		b = s.appendChildren(b, e.Processes)
	}
	return b
}

// appendFetches appends the exchanges that a complaint is about.
func (s *screen) appendFetches(b []byte, list []goproxy.Fetch) []byte {
	b = append(b, `,"requests":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		f := &list[i]
		b = append(b, `{"conn":`...)
		b = s.appendStringOrNull(b, f.Conn)
		b = appendIntOrNull(b, "stream", &f.Stream)
		b = s.appendTextOrNull(b, "url", f.URL)
		b = s.appendTextOrNull(b, "proxy", f.Proxy)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (s *screen) appendChildren(b []byte, list []Child) []byte {
	b = append(b, `,"processes":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"pid":`...)
		b = strconv.AppendInt(b, int64(list[i].PID), 10)
		if len(list[i].Args) > 0 {
			b = s.appendArgs(b, list[i].Args)
		}
		b = append(appendIntOrNull(b, "exit_code", &list[i].ExitCode), '}')
	}
	return append(b, ']')
}
