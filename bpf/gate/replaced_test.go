package gate

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReplaced replaces the contents of a file that needs no question, with the same
// size and the same time of the last write: the gatekeeper asks again.
func TestReplaced(t *testing.T) {
	needGate(t)
	dir, targets := ownFS(t), newTargets(t)
	var a asked
	startGate(t, Options{Targets: targets, Only: dir, Attach: a.attach})
	file := trueIn(t, dir, "true")
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	execute := func() {
		t.Helper()
		w := newWaiter(t, targets, file)
		w.exec()
		w.ended()
	}
	execute()
	execute()
	if got := len(a.list()); got != 1 {
		t.Fatalf("asked %d times about one file", got)
	}
	trueIn(t, dir, "true")
	if err := os.Chtimes(file, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	execute()
	if got := len(a.list()); got != 2 {
		t.Errorf("asked %d times after the file was rewritten, want 2", got)
	}
}

// TestUnmount unmounts a marked file system from which something was executed; the
// agent keeps nothing of it.
func TestUnmount(t *testing.T) {
	needGate(t)
	dir, targets := ownFS(t), newTargets(t)
	released := make(chan struct{}, 1)
	g := startGate(t, Options{Targets: targets, Attach: func(int, *os.File, *os.File) (func(), error) {
		return func() { released <- struct{}{} }, nil
	}})
	w := newWaiter(t, targets, trueIn(t, dir, "true"))
	w.exec()
	w.ended()
	if err := unix.Unmount(dir, 0); err != nil {
		t.Fatalf("unmount: %v", err)
	}
	<-released
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil { // for the end of the test, too
		t.Fatal(err)
	}
	if g.Late() != 0 {
		t.Errorf("%d executions were late", g.Late())
	}
}
