package process

import (
	"bytes"

	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/procfs"
)

// environments are where processes fetch from, by their environment.
type environments struct {
	reader fetchenv.Reader
	// passed is what the process that is to execute COMMAND passes on.
	passed struct {
		pid int
		env fetchenv.Environment
	}
}

// prepare is called before COMMAND is executed, which may be over before its own
// environment can be read.
func (e *environments) prepare(pid int) {
	if env, err := fetchenv.Read(pid); err == nil {
		e.passed.pid, e.passed.env = pid, env
	}
}

// source returns where a process fetches from, by its environment where the kernel
// gave that, nil where it is not known: one that is over, as is says, cannot be
// asked for it.
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
