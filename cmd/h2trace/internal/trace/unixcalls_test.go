//go:build linux

package trace

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
)

// tracedKernel gives each executable probes.
type tracedKernel struct {
	process.Kernel
	since ktime.Time
}

func (tracedKernel) GenerationOf(int) (bpf.Generation, bool) { return 1, true }

func (tracedKernel) OwnSockets(int, bpf.Generation, string) error { return nil }

func (k tracedKernel) Attach(string) (*bpf.Executable, error) { return k.AttachFile(nil, nil) }

func (k tracedKernel) AttachFile(_, _ *os.File) (*bpf.Executable, error) {
	return &bpf.Executable{Plan: &plan.Plan{GoVersion: "go1.26.8"}, Since: k.since}, nil
}

func (tracedKernel) Release(*bpf.Executable) error { return nil }

func (tracedKernel) Keeps(*bpf.Executable) bool { return true }

func (tracedKernel) Probes(*bpf.Executable) []plan.Probe { return nil }

// newUnixCallsTest returns a unixCalls that looks at this process, which ran at a time and
// derived a secret then. Packets show no connection for that.
func newUnixCallsTest(t *testing.T, ran, since ktime.Time, out io.Writer) (*unixCalls, *connTable) {
	t.Helper()
	table, msg := newTestTable(t, out), message.New(io.Discard, false)
	processes := process.NewTracker(process.Config{
		Kernel: tracedKernel{since: since}, Holder: &process.Holder{}, Events: table.events, Msg: msg,
		Now: func() ktime.Time { return 1 },
	})
	head := bpf.Head{PID: os.Getpid(), Time: ran}
	processes.Exec(&bpf.Exec{Head: head, Generation: 1})
	t.Cleanup(processes.Wait)
	for proc := (process.Process{}); proc.File == nil; proc, _ = processes.At(head.PID) {
		runtime.Gosched()
	}
	table.secret(&bpf.Secret{Head: head, Label: "CLIENT_TRAFFIC_SECRET_0", Secret: make([]byte, 32)})
	return newUnixCalls(&bpf.Collector{}, processes, table, msg), table
}

// TestUnixCalls has a process derive secrets for no connection that packets show. It may be
// on a Unix socket, or its ClientHello was lost.
func TestUnixCalls(t *testing.T) {
	ran := monotonic()
	unix := bpf.Socket{PID: os.Getpid(), Unix: true, Name: "/tmp/socket"}
	for _, tt := range []struct {
		name    string
		since   ktime.Time // of the probes
		lost    uint64
		sockets []bpf.Socket
		want    bool
	}{
		{name: "seen from its start", since: ran - 1, want: true},
		{name: "from before", since: ran + 1},
		{name: "from before, with such a socket", since: ran + 1, sockets: []bpf.Socket{unix}, want: true},
		{name: "records are lost", since: ran - 1, lost: 1},
		{name: "records are lost, with such a socket", since: ran - 1, lost: 1, sockets: []bpf.Socket{unix}, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, _ := newUnixCallsTest(t, ran, tt.since, io.Discard)
			u.sockets = func() ([]bpf.Socket, error) { return tt.sockets, nil }
			u.lost = func() (uint64, error) { return tt.lost, nil }
			got := false
			u.attachTo = func(string) (bool, error) {
				got = true
				return false, nil
			}
			for range maxUnused {
				u.again[&bpf.Executable{}] = ran
			}
			u.tick(ran.Add(2 * helloWait))
			u.work.wait()
			if got != tt.want {
				t.Errorf("attaches: %t, want %t", got, tt.want)
			}
			if n := len(u.again); n != 1 {
				t.Errorf("%d executables are remembered, want 1", n)
			}
		})
	}
}

// TestUnixCallsEnded has a process end while such probes are attached. Nothing is printed of
// it after its exit.
func TestUnixCallsEnded(t *testing.T) {
	for _, ends := range []bool{false, true} {
		var out bytes.Buffer
		ran := monotonic()
		u, table := newUnixCallsTest(t, ran, ran-1, &out)
		u.lost = func() (uint64, error) { return 0, nil }
		u.attachTo = func(string) (bool, error) { return true, nil }
		u.tick(ran.Add(2 * helloWait))
		if ends {
			u.processes.Exit(&bpf.Exit{Head: bpf.Head{PID: os.Getpid(), Time: ran + 1}, Generation: 1})
		}
		u.work.wait()
		do(t, table.events.Flush())
		if got := strings.Contains(out.String(), `"reason":"TLS on no TCP connection`); got == ends {
			t.Errorf("it ends: %t; printed: %t\n%s", ends, got, &out)
		}
	}
}
