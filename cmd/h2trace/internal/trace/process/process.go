package process

import (
	"os"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/decoder/ktime"
)

// Process is a target as far as it is known.
type Process struct {
	At     ktime.Time // since when it runs its program, or is observed
	PID    int
	PPID   int // 0: unknown
	Comm   string
	Exe    string
	Source *fetchenv.Source // nil where its environment could not be read
	File   *bpf.Executable  // nil until its executable was attached to

	// Which process of that id it is: by its handle, or by its generation, the one
	// before that, and the file that it executed.
	handle     *os.File
	Generation bpf.Generation
	before     bpf.Generation
	image      bpf.Image

	// libraries have Go code, in a process whose executable gets no probes. They
	// are looked for again at that kernel time.
	libraries []loaded
	again     ktime.Time
}

// probed reports whether the executable has probes.
func (p *Process) probed() bool { return p.File != nil && p.File.Skip == "" }

// observed reports whether something may be seen: also of HTTP without TLS, or by
// the probes of a library.
func (p *Process) observed() bool {
	return p.File != nil && (p.File.Skip == "" || p.File.NoTLS != nil || len(p.libraries) > 0)
}
