package process

import (
	"bytes"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/procfs"
)

// environments reads the environments of processes, which name their proxies.
type environments struct {
	reader fetchenv.Reader
	// passed is the environment that COMMAND inherits.
	passed struct {
		pid int
		env fetchenv.Environment
	}
}

// prepare reads the environment of COMMAND before its exec: COMMAND may end before its own
// can be read.
func (e *environments) prepare(pid int) {
	if env, err := fetchenv.Read(pid); err == nil {
		e.passed.pid, e.passed.env = pid, env
	}
}

// source returns the proxies of a process, by its environment. It prefers the environment
// in the kernel's record, and returns nil for an unknown one: a process for which is
// reports false has ended.
func (e *environments) source(p *Process, environ []byte, is func(*Process) bool) *fetchenv.Source {
	thread := procfs.LivingThread(p.PID)
	if environ != nil {
		if env, err := fetchenv.Parse(bytes.NewReader(environ)); err == nil {
			return e.reader.Source(env, thread, p.Exe)
		}
	}
	if env, err := fetchenv.Read(thread); err == nil && is(p) {
		return e.reader.Source(env, thread, p.Exe)
	}
	if p.PID == e.passed.pid {
		return fetchenv.NewSource(e.passed.env)
	}
	return nil
}
