package bpf

import (
	"os"
	"testing"

	"github.com/cilium/ebpf"
)

// TestTargetsSucceed has one target at a time at least, each of which forks the next
// and ends: there is never none.
func TestTargetsSucceed(t *testing.T) {
	if os.Geteuid() != 0 {
		skipOrFail(t, "BPF maps need root")
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 16384})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	targets := &Targets{byPID: m}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	if err := targets.AddTarget(1); err != nil {
		t.Fatal(err)
	}
	go func() {
		var err error
		for pid := 1; err == nil; pid++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err = targets.AddTarget(pid + 1); err == nil {
				err = targets.RemoveTarget(pid)
			}
		}
		stopped <- err
	}()
	once := 0
	for range 5000 {
		list, err := targets.look()
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			once++
		}
		if list, err = targets.List(); err != nil || len(list) == 0 {
			t.Errorf("got %v, %v", list, err)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of 5000 single looks found none", once)
}
