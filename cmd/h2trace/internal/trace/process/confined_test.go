//go:build linux

package process

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"h2trace/bpf"
	"h2trace/bpf/rights"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/broker"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// TestConfined has a reader of records without rights, whose thread can open nothing, meet a target
// that executes a program, and one that has ended unreported. All is known of them.
func TestConfined(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	adopted := Process{At: 1, PID: pid, Generation: 1, handle: openHandle(pid).file}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	k := &fakeKernel{
		lives: map[int]bpf.Generation{os.Getpid(): 1, pid: 1}, uses: make(map[*bpf.Executable]int),
		targets: map[int]bool{pid: true},
	}
	b := broker.New()
	tr := NewTracker(Config{
		Kernel: k, Holder: &Holder{}, Events: export.NewJSONL(io.Discard, export.Options{}), Msg: message.New(io.Discard, true),
		Now: func() ktime.Time { return 9 }, Broker: b,
	})
	tr.enter(adopted)
	tr.adopted = []Process{adopted}
	_, _ = cmd.Process.Kill(), cmd.Wait()
	done := make(chan error)
	var p Process
	go func() {
		runtime.LockOSThread() // which ends with this goroutine
		if err := rights.Parser(); err != nil {
			done <- err
			return
		}
		p, _ = tr.Exec(&bpf.Exec{Head: bpf.Head{PID: os.Getpid(), Time: 2}, Generation: 1, Filename: "as typed"})
		done <- tr.Reap()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if p.Exe != program || p.Source == nil || p.container.Unknown {
		t.Errorf("the process runs %q with the proxies %v in the container %+v, want %q and what is known", p.Exe, p.Source, p.container, program)
	}
	if _, known := tr.At(pid); known || k.targets[pid] || len(tr.Adopted()) > 0 {
		t.Errorf("the process that has ended is known: %t, a target: %t", known, k.targets[pid])
	}
	tr.Wait()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
