//go:build linux

package trace

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
)

// goneKernel knows a target that no longer exists.
type goneKernel struct{ process.Kernel }

func (goneKernel) GenerationOf(int) (bpf.Generation, bool) { return 1, true }

func (goneKernel) OwnSockets(int, bpf.Generation, string) error { return nil }

func (goneKernel) Attach(string) (*bpf.Executable, error) { return nil, os.ErrNotExist }

// TestConnectingAtExit has a process end while it connects. The kernel reports the failed
// connect some time later, or not before the observation ends. In both cases one event is
// printed.
func TestConnectingAtExit(t *testing.T) {
	const pid = 1 << 30 // no process has that id
	local, remote := netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("127.0.0.1:443")
	tests := []struct {
		name           string
		local          netip.AddrPort // of the reported connect
		reported, due  bool
		actions, state string
	}{
		{name: "in time", local: local, reported: true, actions: "failed ", state: ""},
		{name: "too late", due: true, actions: "silent ", state: "connecting"},
		{name: "another", local: netip.AddrPortFrom(local.Addr(), 40001), reported: true, due: true, actions: "failed silent ", state: "connecting"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			table := newTestTable(t, &out)
			processes := process.NewTracker(process.Config{
				Kernel: goneKernel{}, Holder: &process.Holder{}, Events: table.events, Msg: message.New(io.Discard, false),
				Now: func() ktime.Time { return 1 },
			})
			processes.Exec(&bpf.Exec{Head: bpf.Head{PID: pid, Time: 1}, Generation: 1})
			w := newSockets(table, processes, true)
			w.left(&bpf.Socket{PID: pid, ID: 7, Local: local, Remote: remote, Role: bpf.RoleClient, Connecting: true}, 10)
			w.exit(pid, 10)
			if !w.closesDue() {
				t.Error("no close is due when the process has ended")
			}
			if test.reported {
				e := &bpf.ConnectFailed{Head: bpf.Head{PID: pid, Time: 11}, Local: test.local, Remote: remote, Start: 5}
				table.resolver.connectFailed(e)
				w.connectFailed(e)
			}
			if got := w.closesDue(); got != test.due {
				t.Errorf("closes due: %t, want %t", got, test.due)
			}
			w.end(&look{})
			processes.Wait()
			if err := table.events.Flush(); err != nil {
				t.Fatal(err)
			}
			actions, state := "", ""
			for d := json.NewDecoder(&out); d.More(); {
				var e struct{ Event, Action, State string }
				if err := d.Decode(&e); err != nil {
					t.Fatal(err)
				}
				if e.Event == "conn" {
					actions, state = actions+e.Action+" ", e.State
				}
			}
			if actions != test.actions || state != test.state {
				t.Errorf("printed %q, state %q, want %q, %q", actions, state, test.actions, test.state)
			}
		})
	}
}
