//go:build linux

package bpf

import (
	"os"

	"golang.org/x/sys/unix"

	"h2trace/bpf/plan"
)

// plannedFile is a file that is analyzed before it is attached.
type plannedFile struct {
	key   exeKey
	ctime unix.Timespec
	plan  *plan.Plan
	err   error
	ready chan struct{} // closed when the rest is set
}

// planAhead begins to analyze the file at path. It returns nil for "".
func planAhead(path string, mode plan.Mode) *plannedFile {
	if path == "" {
		return nil
	}
	p := &plannedFile{ready: make(chan struct{})}
	go func() {
		defer close(p.ready)
		f, err := os.Open(path)
		if err != nil {
			return // the key fits no file
		}
		defer f.Close()
		if key, ctime, err := keyOf(f); err == nil {
			p.plan, p.err = plan.Analyze(f, mode)
			p.key, p.ctime = key, ctime
		}
	}()
	return p
}

// plan returns what is known of a file, or analyzes it.
func (x *Executables) plan(f *os.File, key exeKey, ctime unix.Timespec) (*plan.Plan, error) {
	if p := x.planned; p != nil {
		<-p.ready
		x.planned = nil
		if p.key == key && p.ctime == ctime {
			return p.plan, p.err
		}
	}
	return plan.Analyze(f, x.opts.Mode)
}
