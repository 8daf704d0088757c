//go:build linux

package bpf

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestTargetsSucceed has a chain of processes. Each forks the next one and ends. No List with
// all set is empty before the last process has ended.
func TestTargetsSucceed(t *testing.T) {
	c := newCollector(t, Options{BufferSize: 1 << 20, Follow: true})
	stop := t.TempDir() + "/stop"
	const next = `test -e "$1" || sh -c "$2" sh "$1" "$2" &`
	chain := exec.Command("sh", "-c", "read go; "+next, "sh", stop, next)
	stdin, err := chain.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := chain.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.Targets.AddTarget(chain.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if err := chain.Wait(); err != nil {
		t.Fatal(err)
	}
	looks, unsure, none := 0, 0, 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); looks++ {
		list, all, err := c.Targets.List()
		switch {
		case err != nil:
			t.Fatal(err)
		case !all:
			unsure++
			if len(list) == 0 {
				none++
			}
		case len(list) == 0:
			t.Error("no target is left of a chain that goes on")
		}
	}
	t.Logf("%d looks: in %d of them processes were entered, and %d of these found none", looks, unsure, none)
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		list, all, err := c.Targets.List()
		if err != nil {
			t.Fatal(err)
		}
		if all && len(list) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left when the chain has ended: %v, all: %t", list, all)
		}
	}
}
