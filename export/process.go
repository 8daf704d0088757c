package export

import (
	"time"

	"h2trace/decoder/exchange"
)

// Process holds what each process event prints.
type Process struct {
	PPID      *int   // nil is unknown
	Exe       string // empty is unknown
	Container Container
	// TraceParent and ServiceName are TRACEPARENT and OTEL_SERVICE_NAME of its environment. The
	// events of exec and attached print them.
	TraceParent exchange.TraceParent
	ServiceName string
}

// Container is the container that a process runs in. The zero Container is none.
type Container struct {
	ID      string // as its runtime assigned it; empty is none
	Unknown bool
}

// Process prints a process event. Meta.Conn is not used.
func (j *JSONL) Process(m Meta, p *Process, e ProcessEvent) {
	b, ok := j.begin(KindProcess)
	if !ok {
		return
	}
	m.Conn = ""
	b = j.enc.appendMeta(b, &m, KindProcess)
	b = appendText(b, "action", e.action())
	b = appendIntOrNull(b, "ppid", p.PPID)
	b = j.enc.appendTextOrNull(b, "exe", p.Exe)
	if p.Container != (Container{}) {
		b = j.enc.appendTextOrNull(b, "container", p.Container.ID)
	}
	b = e.appendKeys(&j.enc.screen, b)
	switch e.(type) {
	case ProcessExec, *ProcessAttached:
		b = j.enc.appendTracing(b, p)
	}
	j.out.end(append(b, '}'))
}

// appendTracing appends what tells a tracing system where the spans of a process belong.
func (s *screen) appendTracing(b []byte, p *Process) []byte {
	if p.TraceParent != "" {
		b = s.appendText(b, "traceparent", string(p.TraceParent))
	}
	if p.ServiceName != "" {
		b = s.appendText(b, "service_name", p.ServiceName)
	}
	return b
}

// ProcessEvent is what happened to a process: one of *ProcessAttached, ProcessExec,
// ProcessExit, ProcessLock, ProcessSkipped and *ProcessError.
type ProcessEvent interface {
	action() string
	// appendKeys appends the keys that the events of other actions do not have.
	appendKeys(s *screen, b []byte) []byte
}

// ProcessAttached is for a process whose probes are attached.
type ProcessAttached struct {
	// GoVersion and BuildID are empty for a program that is not Go.
	GoVersion, BuildID string
	// Plan is the probe that each tap got, in the order to print.
	Plan []Tap
	// Reason is why nothing is seen of the process, or which library has the probes, or why
	// the plan has more of them now, or empty.
	Reason string
	// Unseen says that nothing is seen of what the process says, for that reason.
	Unseen bool
}

// Tap is a place where h2trace reads plaintext and the probe there, such as
// {"write", "PUSH BP"}.
type Tap struct{ Name, Probe string }

func (*ProcessAttached) action() string { return "attached" }

func (e *ProcessAttached) appendKeys(s *screen, b []byte) []byte {
	if e.GoVersion != "" {
		b = s.appendText(b, "go_version", e.GoVersion)
	}
	if e.BuildID != "" {
		b = s.appendText(b, "build_id", e.BuildID)
	}
	if len(e.Plan) > 0 {
		b = s.appendPlan(b, e.Plan)
	}
	return appendUnseen(s.appendReason(b, e.Reason), e.Unseen)
}

// ProcessExec is for a process that began to execute another program. Args begin with the
// name of the program; nil prints none.
type ProcessExec struct{ Args []string }

func (ProcessExec) action() string { return "exec" }

func (e ProcessExec) appendKeys(s *screen, b []byte) []byte {
	if len(e.Args) > 0 {
		b = s.appendArgs(b, e.Args)
	}
	return b
}

// ProcessExit is for a process that exited; nil is unknown.
type ProcessExit struct {
	Code     *int           // the exit status, 128+N when signal N ended the process
	Duration *time.Duration // since the exec
	CPU      *time.Duration // of all its threads, since the fork
}

func (ProcessExit) action() string { return "exit" }

func (e ProcessExit) appendKeys(_ *screen, b []byte) []byte {
	b = appendIntOrNull(b, "exit_code", e.Code)
	b = appendMillisOrNull(b, "duration_ms", e.Duration)
	return appendMillisOrNull(b, "cpu_ms", e.CPU)
}

// ProcessLock is for a thread that waited for a lock of flock(2).
type ProcessLock struct {
	Path   string // its last names; empty is unknown
	Waited time.Duration
	Got    bool // it got the lock; else the process, or the observation, ended
}

func (ProcessLock) action() string { return "lock" }

func (e ProcessLock) appendKeys(s *screen, b []byte) []byte {
	b = s.appendTextOrNull(b, "path", e.Path)
	b = appendMillisOrNull(b, "wait_ms", &e.Waited)
	return appendBoolOrNull(b, "locked", &e.Got)
}

// ProcessSkipped is for a process in which nothing can be captured.
type ProcessSkipped struct {
	Reason string
	// Unseen says that what the process said might have been seen otherwise: it is not known to be no
	// Go program.
	Unseen bool
}

func (ProcessSkipped) action() string { return "skipped" }

func (e ProcessSkipped) appendKeys(s *screen, b []byte) []byte {
	return appendUnseen(s.appendReason(b, e.Reason), e.Unseen)
}

func appendUnseen(b []byte, unseen bool) []byte {
	if !unseen {
		return b
	}
	return append(b, `,"unseen":true`...)
}

func (s *screen) appendReason(b []byte, reason string) []byte {
	if reason == "" {
		return b
	}
	return s.appendText(b, "reason", reason)
}

func (s *screen) appendPlan(b []byte, plan []Tap) []byte {
	b = append(b, `,"plan":{`...)
	for i, tap := range plan {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendString(b, tap.Name)
		b = append(b, ':')
		b = s.appendString(b, tap.Probe)
	}
	return append(b, '}')
}
