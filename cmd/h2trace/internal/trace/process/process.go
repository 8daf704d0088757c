package process

import (
	"os"
	"slices"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// Process is the known state of a target.
type Process struct {
	At     ktime.Time // when it began to run its program, or to be observed
	PID    int
	PPID   int // 0: unknown
	Comm   string
	Exe    string
	Source *fetchenv.Source // nil if its environment could not be read
	File   *bpf.Executable  // nil until its executable has probes

	container export.Container // when it began to run its program, or to be observed

	// The identity of the process besides its id: its handle, or its generation, the
	// generation before, and the executed file.
	handle     *os.File
	Generation bpf.Generation
	before     bpf.Generation
	image      bpf.Image

	// libraries have Go code, in a process whose executable gets no probes. again is
	// the kernel time of the next look for them.
	libraries []loaded
	again     ktime.Time
}

// probed reports whether the executable has probes.
func (p *Process) probed() bool { return p.File != nil && p.File.Skip == "" }

// byCalls reports whether what TLS carries comes from calls, in the executable or a library.
func (p *Process) byCalls() bool {
	if p.probed() && p.File.Calls {
		return true
	}
	return slices.ContainsFunc(p.libraries, func(l loaded) bool { return l.exe.Calls })
}

// observed reports whether traffic of the process may be seen: by probes in its executable
// or a library, or as HTTP without TLS.
func (p *Process) observed() bool {
	return p.File != nil && (p.File.Skip == "" || p.File.NoTLS != nil || len(p.libraries) > 0)
}
