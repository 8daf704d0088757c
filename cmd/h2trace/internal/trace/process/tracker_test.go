package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// fakeKernel has executables with a plan or without probes, and counts their users.
type fakeKernel struct {
	skip    string     // why they get no probes
	since   ktime.Time // when these were in place
	calls   bool
	lives   map[int]bpf.Generation
	uses    map[*bpf.Executable]int
	targets map[int]bool
}

func (k *fakeKernel) AddTarget(pid int) error    { k.targets[pid] = true; return nil }
func (k *fakeKernel) RemoveTarget(pid int) error { delete(k.targets, pid); return nil }
func (k *fakeKernel) GenerationOf(pid int) (bpf.Generation, bool) {
	generation, ok := k.lives[pid]
	return generation, ok
}

func (k *fakeKernel) Attach(string) (*bpf.Executable, error) { return k.AttachFile(nil, nil) }

func (k *fakeKernel) AttachFile(_, _ *os.File) (*bpf.Executable, error) {
	exe := &bpf.Executable{Skip: k.skip, Since: k.since, Calls: k.calls, Plan: &plan.Plan{GoVersion: "go1.26.8"}}
	k.uses[exe]++
	return exe, nil
}

func (k *fakeKernel) Release(exe *bpf.Executable) error {
	if k.uses[exe]--; k.uses[exe] < 0 {
		return errors.New("released twice")
	}
	return nil
}

func (k *fakeKernel) Keeps(*bpf.Executable) bool                   { return true }
func (k *fakeKernel) Probes(exe *bpf.Executable) []plan.Probe      { return exe.Plan.Describe() }
func (k *fakeKernel) OwnSockets(int, bpf.Generation, string) error { return nil }
func (k *fakeKernel) inUse() (n int) {
	for _, uses := range k.uses {
		n += uses
	}
	return n
}

// event holds the compared parts of an event.
type event struct {
	Action, Reason string
	PID            int
	Exit           *int `json:"exit_code"`
}

// TestTracker has a target that runs several programs, one after the other, and exits.
func TestTracker(t *testing.T) {
	cmd := exec.Command("sleep", "60") // its executable can be opened
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	living := cmd.Process.Pid
	exits := func(code int) *int { return &code }
	const gone = 1 << 30 // no process has that id
	tests := []struct {
		name, skip string
		pid        int
		do         func(tr *Tracker, pid int)
		want       []event
		inUse      int
	}{
		{"runs", "", living, func(tr *Tracker, pid int) { execute(tr, pid, 1) }, []event{
			{Action: "exec", PID: living}, {Action: "attached", PID: living},
		}, 1},
		{"runs another program", "", living, func(tr *Tracker, pid int) {
			execute(tr, pid, 1)
			execute(tr, pid, 2)
		}, []event{
			{Action: "exec", PID: living},
			{Action: "attached", PID: living},
			{Action: "exec", PID: living},
			{Action: "attached", PID: living},
		}, 1},
		{"exits", "", living, func(tr *Tracker, pid int) {
			execute(tr, pid, 1)
			tr.Exit(&bpf.Exit{Head: bpf.Head{PID: pid, Time: 9}, Generation: tr.kernel.(*fakeKernel).lives[pid], Status: 3 << 8})
		}, []event{
			{Action: "exec", PID: living}, {Action: "attached", PID: living}, {Action: "exit", PID: living, Exit: exits(3)},
		}, 0},
		{"its exit is lost", "", living, func(tr *Tracker, pid int) {
			execute(tr, pid, 1)
			tr.Vanish(pid, 9)
		}, []event{
			{Action: "exec", PID: living}, {Action: "attached", PID: living}, {Action: "exit", PID: living},
		}, 0},
		{"gets no probes", "not a Go binary", living, func(tr *Tracker, pid int) { execute(tr, pid, 1) }, []event{
			{Action: "exec", PID: living}, {Action: "skipped", Reason: "not a Go binary", PID: living},
		}, 1},
		{"is gone", "", gone, func(tr *Tracker, pid int) { execute(tr, pid, 1) }, []event{
			{Action: "exec", PID: gone}, {Action: "skipped", Reason: "it exited before it could be looked at", PID: gone},
		}, 0},
		{"was never known", "", living, func(tr *Tracker, pid int) { tr.Exit(&bpf.Exit{Head: bpf.Head{PID: pid}}) }, nil, 0},
		{"says what is not seen", "", living, func(tr *Tracker, pid int) {
			execute(tr, pid, 1)
			p, _ := tr.At(pid)
			tr.Blame(p, "another library", 7, 7)
		}, []event{
			{Action: "exec", PID: living}, {Action: "attached", PID: living}, {Action: "attached", Reason: "another library", PID: living},
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			k := &fakeKernel{skip: tt.skip, lives: make(map[int]bpf.Generation), uses: make(map[*bpf.Executable]int), targets: make(map[int]bool)}
			events := export.NewJSONL(contract.Checked(t, &out), export.Options{})
			tr := NewTracker(Config{
				Kernel: k, Holder: &Holder{}, Events: events, Msg: message.New(io.Discard, true),
				Now: func() ktime.Time { return 1 },
			})
			tt.do(tr, tt.pid)
			tr.Wait()
			if err := events.Close(); err != nil {
				t.Fatal(err)
			}
			var got []event
			for d := json.NewDecoder(&out); d.More(); {
				var e event
				if err := d.Decode(&e); err != nil {
					t.Fatal(err)
				}
				got = append(got, e)
			}
			if diff := cmp.Diff(inOrder(tt.want), inOrder(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if k.inUse() != tt.inUse {
				t.Errorf("%d executables are in use, want %d", k.inUse(), tt.inUse)
			}
		})
	}
}

// execute has a target run a program as the given generation. It returns when the program
// has been attached to.
func execute(tr *Tracker, pid int, generation uint32) {
	tr.kernel.(*fakeKernel).lives[pid] = bpf.Generation(generation)
	tr.Exec(&bpf.Exec{Head: bpf.Head{PID: pid, Time: ktime.Time(generation)}, Generation: bpf.Generation(generation), Filename: "sleep"})
	done := make(chan struct{})
	tr.jobs <- func() { close(done) }
	<-done
}

// inOrder separates exec and exit events, which are printed while records are read, from the
// others. The two lists have no order relative to each other.
func inOrder(list []event) (sorted [2][]event) {
	for _, e := range list {
		at := 0
		if e.Action == "exec" || e.Action == "exit" {
			at = 1
		}
		sorted[at] = append(sorted[at], e)
	}
	return sorted
}

// leftWriter is an output whose reader has exited.
type leftWriter struct{}

func (leftWriter) Write([]byte) (int, error) { return 0, export.ErrReaderGone }

// TestBlameUnread has a process of which nothing is seen, because the observation ended with
// the reader of the events. No message says so.
func TestBlameUnread(t *testing.T) {
	for _, tt := range []struct {
		name string
		out  io.Writer
		want int // messages
	}{{"read", io.Discard, 1}, {"reader left", leftWriter{}, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			var messages bytes.Buffer
			k := &fakeKernel{lives: make(map[int]bpf.Generation), uses: make(map[*bpf.Executable]int), targets: make(map[int]bool)}
			tr := NewTracker(Config{
				Kernel: k, Holder: &Holder{}, Events: export.NewJSONL(tt.out, export.Options{}), Msg: message.New(&messages, false),
				Now: func() ktime.Time { return 1 },
			})
			execute(tr, os.Getpid(), 1)
			p, ok := tr.At(os.Getpid())
			if !ok {
				t.Fatal("the process is not known")
			}
			tr.Blame(p, "another library", 7, 7)
			tr.Wait()
			if got := bytes.Count(messages.Bytes(), []byte("another library")); got != tt.want {
				t.Errorf("got %d messages, want %d: %s", got, tt.want, messages.String())
			}
		})
	}
}
