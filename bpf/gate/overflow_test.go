package gate

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestManyWait has more processes wait than the kernel queues events for by default,
// here 2, while the gatekeeper is stopped. That limit does not apply
// (FAN_UNLIMITED_QUEUE), and each file is asked about.
func TestManyWait(t *testing.T) {
	needGate(t)
	const limit = "/proc/sys/fs/fanotify/max_queued_events"
	before, err := os.ReadFile(limit)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(limit, []byte("2"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(limit, before, 0o644); err != nil {
			t.Error(err)
		}
	})
	dir, targets := ownFS(t), newTargets(t)
	var a asked
	g := startGate(t, Options{Targets: targets, Only: dir, Attach: a.attach})
	waiters := make([]*waiter, 40)
	for i := range waiters {
		waiters[i] = newWaiter(t, targets, trueIn(t, dir, fmt.Sprintf("true%d", i)))
	}
	kill(t, g.keeper.Pid, unix.SIGSTOP)
	for _, w := range waiters {
		w.exec()
	}
	for _, w := range waiters {
		await(t, "an exec to be held", func() bool { return w.held() || !running(g.keeper.Pid) })
	}
	kill(t, g.keeper.Pid, unix.SIGCONT)
	for _, w := range waiters {
		w.ended()
	}
	if !running(g.keeper.Pid) {
		t.Fatal("the gatekeeper was stopped for too long: the machine is too busy for this test")
	}
	// Of a file that is asked about, the answer may come late on a slow machine. What the gatekeeper
	// has sent may not be read when the process has ended.
	await(t, "each file to be asked about, or late", func() bool { return len(a.list())+int(g.Late()) >= len(waiters) })
	files, late := len(a.list()), int(g.Late())
	if max(files, late) > len(waiters) || files < 3 {
		t.Errorf("asked about %d files, %d were late, of %d", files, late, len(waiters))
	}
}
