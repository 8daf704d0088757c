//go:build linux

package trace

import (
	"maps"
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
)

// helloWait is how long a handshake has derived secrets before its ClientHello is missed:
// in the packets of a TCP connection it comes before them.
const helloWait = 200 * time.Millisecond

// unixAgain is the time between two tries with an executable.
const unixAgain = 2 * time.Second

// unixCalls attaches probes on Read and Write, for Unix sockets, where a process speaks TLS
// on what has no packets. A handshake without a ClientHello shows that, in a process that is
// seen from its start; in another one, it may be that of an earlier connection. Where records
// are lost, one of them may have held the ClientHello. Then the sockets have to show it, too.
type unixCalls struct {
	attachTo  func(path string) (bool, error) // see bpf.Executables.AttachUnix
	sockets   func() ([]bpf.Socket, error)
	lost      func() (uint64, error) // counts lost records
	processes *process.Tracker
	keys      *keyring
	msg       *message.Printer
	work      *background
	again     map[*bpf.Executable]ktime.Time // when to try again
}

func newUnixCalls(c *bpf.Collector, p *process.Tracker, conns *connTable, msg *message.Printer) *unixCalls {
	return &unixCalls{
		attachTo: c.Executables.AttachUnix, sockets: c.Sockets.List, lost: conns.lost,
		processes: p, keys: &conns.ciphers.keys, msg: msg, work: newBackground(),
		again: make(map[*bpf.Executable]ktime.Time),
	}
}

// tick looks for such processes. All records before read are read.
func (u *unixCalls) tick(read ktime.Time) {
	u.work.poll()
	for _, pid := range u.keys.unclaimed(read.Add(-helloWait)) {
		proc, ok := u.processes.At(pid)
		if !ok || proc.File == nil || proc.File.Calls || read < u.again[proc.File] || u.work.busy {
			continue
		}
		if len(u.again) >= maxUnused {
			maps.DeleteFunc(u.again, func(_ *bpf.Executable, at ktime.Time) bool { return at <= read })
		}
		u.again[proc.File] = read.Add(unixAgain)
		u.attach(proc)
	}
}

func (u *unixCalls) attach(proc process.Process) {
	lost, err := u.lost()
	may := err == nil && lost == 0 && proc.File.Since < proc.At
	u.work.run(func() func() {
		attached, err := false, error(nil)
		if !may {
			var list []bpf.Socket
			list, err = u.sockets()
			may = err == nil && speaksUnix(list, proc.PID)
		}
		if may {
			attached, err = u.attachTo(procfs.Path(procfs.LivingThread(proc.PID), "exe"))
		}
		at := monotonic()
		return func() { u.attached(proc, at, attached, err) }
	})
}

// speaksUnix reports whether a process has a Unix socket that may carry TLS.
func speaksUnix(list []bpf.Socket, pid int) bool {
	return slices.ContainsFunc(list, func(s bpf.Socket) bool { return s.PID == pid && s.Unix && !isOfSystem(s.Name) })
}

func (u *unixCalls) attached(proc process.Process, at ktime.Time, attached bool, err error) {
	if err != nil {
		u.msg.Errorf("%s: TLS on Unix sockets is not seen: %v", proc.Exe, err)
	}
	if !attached {
		return
	}
	u.msg.Infof("%s: TLS on no TCP connection: Read and Write have probes for Unix sockets now; what was said before is missing", proc.Exe)
	if !u.processes.Current(&proc) {
		return // its exit is printed
	}
	event := u.processes.Attached(proc.File)
	event.Reason = "TLS on no TCP connection: probes for Unix sockets"
	proc.At = at
	u.processes.Print(&proc, event)
}
