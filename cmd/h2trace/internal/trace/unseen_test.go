//go:build linux

package trace

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
)

// slowKernel attaches probes when told to.
type slowKernel struct {
	goneKernel
	attach chan struct{}
}

func (k slowKernel) Attach(string) (*bpf.Executable, error) {
	<-k.attach
	return &bpf.Executable{Plan: &plan.Plan{}}, nil
}

func (slowKernel) Release(*bpf.Executable) error { return nil }

func (slowKernel) Probes(*bpf.Executable) []plan.Probe { return nil }

// TestUnseenBeforeProbes has a process begin TLS and end before its executable has probes. That
// is why nothing is seen of it: nothing says that its TLS is of another library.
func TestUnseenBeforeProbes(t *testing.T) {
	const pid = 1 << 30 // no process has that id
	var out bytes.Buffer
	table := newTestTable(t, &out)
	kernel := slowKernel{attach: make(chan struct{})}
	processes := process.NewTracker(process.Config{
		Kernel: kernel, Holder: &process.Holder{}, Events: table.events, Msg: message.New(io.Discard, false),
		Now: func() ktime.Time { return 1 },
	})
	processes.Exec(&bpf.Exec{Head: bpf.Head{PID: pid, Time: 1}, Generation: 1, Filename: "/build/tool"})
	w := newSockets(table, processes, true)
	table.hellos.sent[pid] = 2
	w.exit(pid, 3)
	close(kernel.attach)
	processes.Wait()
	if err := table.events.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `"reason":"it ended before its probes were in place","unseen":true`; strings.Count(got, `"action":"attached"`) != 2 || !strings.Contains(got, want) {
		t.Errorf("want %s in the second of two events:\n%s", want, got)
	}
}
