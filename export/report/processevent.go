package report

import (
	"time"

	"h2trace/export/scan"
)

// attachedEvent is a process that is observed.
type attachedEvent struct {
	head
	exe, reason []byte
	unseen      bool // nothing is seen of what it says
}

func (e *attachedEvent) member(key, v []byte) {
	switch string(key) {
	case "exe":
		e.exe = v
	case "reason":
		e.reason = v
	case "unseen":
		e.unseen = string(v) == "true"
	}
}

// execEvent is an exec.
type execEvent struct {
	head
	ppid      int64
	exe, args []byte
}

func (e *execEvent) member(key, v []byte) {
	switch string(key) {
	case "ppid":
		e.ppid, _ = scan.Integer(v)
	case "exe":
		e.exe = v
	case "args":
		e.args = v
	}
}

// exitEvent is the end of a process.
type exitEvent struct {
	head
	status   int64
	known    bool // status is
	duration time.Duration
	cpu      time.Duration
	cpuKnown bool
}

func (e *exitEvent) member(key, v []byte) {
	switch string(key) {
	case "exit_code":
		e.status, e.known = scan.Integer(v)
	case "duration_ms":
		e.duration, _ = scan.Millis(v)
	case "cpu_ms":
		e.cpu, e.cpuKnown = scan.Millis(v)
	}
}

// failed reports whether the process is known to have failed.
func (e *exitEvent) failed() bool { return e.known && e.status != 0 }

// skippedEvent is a process that is not observed.
type skippedEvent struct {
	head
	exe, reason []byte
	unseen      bool // it may run a Go program
}

func (e *skippedEvent) member(key, v []byte) {
	switch string(key) {
	case "exe":
		e.exe = v
	case "reason":
		e.reason = v
	case "unseen":
		e.unseen = string(v) == "true"
	}
}

// complaintEvent is a complaint of a go command.
type complaintEvent struct {
	head
	failureKeys
	via                 []byte
	path, version       []byte // of the module
	requests, processes []byte // that it is about
}

func (e *complaintEvent) member(key, v []byte) {
	switch string(key) {
	case "error":
		e.read(v)
	case "via":
		e.via = v
	case "module":
		scan.Members(v, func(key, v []byte) {
			switch string(key) {
			case "path":
				e.path = v
			case "version":
				e.version = v
			}
		})

	case "requests":
		e.requests = v
	case "processes":
		e.processes = v
	}
}

// lossEvent says that records were lost.
type lossEvent struct {
	head
	records int64
}

func (e *lossEvent) member(key, v []byte) {
	if string(key) == "records" {
		e.records, _ = scan.Integer(v)
	}
}

// summaryEvent ends a run.
type summaryEvent struct {
	head
	exchanges int64
	signal    []byte
	running   bool // no command, but running processes were observed
	nobody    bool // no process was observed
	labels    []byte
}

func (e *summaryEvent) member(key, v []byte) {
	switch string(key) {
	case "exchanges":
		e.exchanges, _ = scan.Integer(v)
	case "signal":
		e.signal = v
	case "command":
		e.running = string(v) == "null"
	case "processes":
		e.nobody = string(v) == "0"
	case "labels":
		e.labels = v
	}
}
