package export

import (
	"strconv"
	"time"

	"h2trace/decoder/exchange"
	"h2trace/decoder/goproxy"
)

// ProcessAction is what happened to a process.
type ProcessAction string

// The actions of a process event.
const (
	// ProcessAttached is for a process whose probes are in place.
	ProcessAttached ProcessAction = "attached"
	// ProcessExec is for a process that began to execute another program.
	ProcessExec ProcessAction = "exec"
	// ProcessExit is for a process that ended.
	ProcessExit ProcessAction = "exit"
	// ProcessSkipped is for a process in which nothing can be captured.
	ProcessSkipped ProcessAction = "skipped"
	// ProcessError is for a go command that complains on stderr.
	ProcessError ProcessAction = "error"
)

// Process is a change of an observed process.
type Process struct {
	Action ProcessAction
	PPID   *int   // nil is unknown
	Exe    string // empty is unknown
	// GoVersion and BuildID are empty for what is no Go program.
	GoVersion string
	BuildID   string
	// Plan is the probe that each tap got, in the order to print.
	Plan []Tap
	// ExitCode is for ProcessExit: the exit status, 128+N when signal N ended
	// the process, nil when unknown.
	ExitCode *int
	// Duration is for ProcessExit: since the exec, nil when unknown.
	Duration *time.Duration
	// Args are for ProcessExec, with the name of the program first; nil prints
	// none.
	Args []string
	// Reason is for ProcessSkipped: why nothing can be captured; and for
	// ProcessAttached: why the plan is another one than before.
	Reason string
	// Complaint is for ProcessError: what it says; and Via the HTTP proxy that it
	// speaks of, without credentials, or empty.
	Complaint *goproxy.Complaint
	// Fetches are the exchanges that it speaks of, and Processes those of version
	// control systems.
	Fetches   []goproxy.Fetch
	Processes []Child
	Via       string
}

// Child is a process that another one ran, and that failed.
type Child struct {
	PID      int
	Args     []string // nil is unknown
	ExitCode int
}

// Tap is a place where plaintext is read and the probe that is there, such as
// {"write", "PUSH BP"}.
type Tap struct{ Name, Probe string }

// Process prints a process event. Meta.Conn is not used.
func (j *JSONL) Process(m Meta, p *Process) {
	if j.filter.hidden[KindProcess] {
		return
	}
	b, ok := j.out.begin()
	if !ok {
		return
	}
	m.Conn = ""
	b = j.appendMeta(b, &m, KindProcess)
	b = appendText(b, "action", string(p.Action))
	b = appendIntOrNull(b, "ppid", p.PPID)
	b = appendTextOrNull(b, "exe", p.Exe)
	if p.GoVersion != "" {
		b = appendText(b, "go_version", p.GoVersion)
	}
	if p.BuildID != "" {
		b = appendText(b, "build_id", p.BuildID)
	}
	if len(p.Plan) > 0 {
		b = appendPlan(b, p.Plan)
	}
	if p.Action == ProcessExit {
		b = appendIntOrNull(b, "exit_code", p.ExitCode)
		b = appendMillisOrNull(b, "duration_ms", p.Duration)
	}
	if len(p.Args) > 0 {
		b = j.appendArgs(b, p.Args)
	}
	if p.Reason != "" {
		b = appendText(b, "reason", p.Reason)
	}
	if c := p.Complaint; c != nil {
		b = append(b, `,"module":`...)
		if c.Path == "" {
			b = append(b, "null"...)
		} else {
			b = append(b, `{"path":`...)
			b, _ = appendString(b, c.Path)
			b = append(appendTextOrNull(b, "version", c.Version), '}')
		}
		b = j.appendError(b, &exchange.Error{Class: exchange.Class(c.Class), Detail: c.Detail})
		b = appendTextOrNull(b, "via", p.Via)
		b = j.appendFetches(b, p.Fetches)
		if len(p.Processes) > 0 {
			b = j.appendChildren(b, p.Processes)
		}
	}
	j.out.end(append(b, '}'))
}

// appendFetches appends which exchanges these are.
func (j *JSONL) appendFetches(b []byte, list []goproxy.Fetch) []byte {
	b = append(b, `,"requests":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		f := &list[i]
		b = append(b, `{"conn":`...)
		b = appendStringOrNull(b, f.Conn)
		b = appendIntOrNull(b, "stream", &f.Stream)
		b = j.appendURL(b, "url", f.URL)
		b = appendTextOrNull(b, "proxy", f.Proxy)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (j *JSONL) appendChildren(b []byte, list []Child) []byte {
	b = append(b, `,"processes":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"pid":`...)
		b = strconv.AppendInt(b, int64(list[i].PID), 10)
		if len(list[i].Args) > 0 {
			b = j.appendArgs(b, list[i].Args)
		}
		b = append(appendIntOrNull(b, "exit_code", &list[i].ExitCode), '}')
	}
	return append(b, ']')
}

// appendArgs appends arguments, without what tells of a secret in them.
func (j *JSONL) appendArgs(b []byte, args []string) []byte {
	b = append(b, `,"args":[`...)
	for i, arg := range args {
		if i > 0 {
			b = append(b, ',')
		}
		if j.redactor != nil {
			if clean, found := j.redactor.argument(arg); found {
				b, _ = appendString(b, clean)
				continue
			}
		}
		b, _ = appendString(b, arg)
	}
	return append(b, ']')
}

func appendPlan(b []byte, plan []Tap) []byte {
	b = append(b, `,"plan":{`...)
	for i, tap := range plan {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = appendString(b, tap.Name)
		b = append(b, ':')
		b, _ = appendString(b, tap.Probe)
	}
	return append(b, '}')
}
