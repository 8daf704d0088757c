//go:build linux

package trace

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
)

// slowKernel attaches probes when told to, which were in place at since.
type slowKernel struct {
	goneKernel
	attach chan struct{}
	since  ktime.Time
}

func (k slowKernel) Attach(string) (*bpf.Executable, error) {
	<-k.attach
	return &bpf.Executable{Plan: &plan.Plan{}, Since: k.since}, nil
}

func (slowKernel) Release(*bpf.Executable) error { return nil }

func (slowKernel) Probes(*bpf.Executable) []plan.Probe { return nil }

// TestUnseenBeforeProbes has a process begin TLS and end before h2trace has looked at it. If its
// executable then has no probes yet, that is why nothing is seen of it. If it had them, as its exec
// was held, its TLS is of another library.
func TestUnseenBeforeProbes(t *testing.T) {
	const pid, began, spoke, ended = 1 << 30, 1, 3, 5 // no process has that id
	for _, tt := range []struct {
		since  ktime.Time
		reason string
	}{
		{2, "its connections carry TLS that does not pass crypto/tls, as of another library"},
		{4, "its probes were not in place before it spoke"},
		{6, "its probes were not in place before it spoke"},
	} {
		var out bytes.Buffer
		table := newTestTable(t, &out)
		kernel := slowKernel{attach: make(chan struct{}), since: tt.since}
		processes := process.NewTracker(process.Config{
			Kernel: kernel, Holder: &process.Holder{}, Events: table.events, Msg: message.New(io.Discard, false),
			Now: func() ktime.Time { return began },
		})
		processes.Exec(&bpf.Exec{Head: bpf.Head{PID: pid, Time: began}, Generation: 1, Filename: "/build/tool"})
		w := newSockets(table, processes, true)
		table.hellos.sent[pid] = spoke
		w.exit(pid, ended)
		close(kernel.attach)
		processes.Wait()
		if err := table.events.Flush(); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`"reason":%q,"unseen":true`, tt.reason)
		if got := out.String(); strings.Count(got, `"action":"attached"`) != 2 || !strings.Contains(got, want) {
			t.Errorf("want %s in the second of two events:\n%s", want, got)
		}
	}
}
