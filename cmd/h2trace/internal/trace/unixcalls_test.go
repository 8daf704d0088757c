package trace

import (
	"bytes"
	"io"
	"os"
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

func (k tracedKernel) Attach(string) (*bpf.Executable, error) { return k.AttachFile(nil) }

func (k tracedKernel) AttachFile(*os.File) (*bpf.Executable, error) {
	return &bpf.Executable{Plan: &plan.Plan{GoVersion: "go1.26.8"}, Since: k.since}, nil
}

func (tracedKernel) Release(*bpf.Executable) error { return nil }

func (tracedKernel) Keeps(*bpf.Executable) bool { return true }

func (tracedKernel) Probes(*bpf.Executable) []plan.Probe { return nil }

// TestUnixCalls has a process derive secrets for no connection that packets show. It may be
// on a Unix socket, or its ClientHello was lost.
func TestUnixCalls(t *testing.T) {
	ran := monotonic()
	pid := os.Getpid()
	unix := bpf.Socket{PID: pid, Unix: true, Name: "/tmp/socket"}
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
			var out bytes.Buffer
			table, msg := newTestTable(t, &out), message.New(io.Discard, false)
			processes := process.NewTracker(process.Config{
				Kernel: tracedKernel{since: tt.since}, Holder: &process.Holder{}, Events: table.events, Msg: msg,
				Now: func() ktime.Time { return 1 },
			})
			processes.Exec(&bpf.Exec{Head: bpf.Head{PID: pid, Time: ran}, Generation: 1})
			processes.Wait()
			table.secret(&bpf.Secret{Head: bpf.Head{PID: pid, Time: ran}, Label: "CLIENT_TRAFFIC_SECRET_0", Secret: make([]byte, 32)})
			got := false
			u := newUnixCalls(&bpf.Collector{}, processes, table, msg)
			u.sockets = func() ([]bpf.Socket, error) { return tt.sockets, nil }
			u.lost = func() (uint64, error) { return tt.lost, nil }
			u.attachTo = func(string) (bool, error) {
				got = true
				return false, nil
			}
			for range maxUnused {
				u.again[&bpf.Executable{}] = ran
			}
			u.tick(ran.Add(2 * helloWait))
			u.work.wait()
			if n := len(u.again); n != 1 {
				t.Errorf("%d executables are remembered, want 1", n)
			}
			if got != tt.want {
				t.Errorf("attaches: %t, want %t", got, tt.want)
			}
		})
	}
}
