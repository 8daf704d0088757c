//go:build linux

package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// Targets are the processes that report. The kernel's map is all its state, so its
// methods are safe for concurrent use.
type Targets struct {
	byPID    *ebpf.Map // process id to the Generation that reports
	calls    *ebpf.Map // calls under way
	counters *ebpf.Map // counts targets, among others
}

// AddTarget makes a process report and, with Options.Follow, every process that it
// forks from now on.
func (t *Targets) AddTarget(pid int) error {
	if err := t.byPID.Put(uint32(pid), uint32(0)); err != nil {
		return fmt.Errorf("observe process %d: %w", pid, err)
	}
	return nil
}

// RemoveTarget ends the reports of a process.
func (t *Targets) RemoveTarget(pid int) error {
	err := t.byPID.Delete(uint32(pid))
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("leave process %d: %w", pid, err)
	}
	return nil
}

// List returns the processes that report now. An iteration over the map misses a
// process that a fork or exec enters behind its position. all says that there was
// none. Without it even an empty list does not mean that there are no targets: one
// may have forked another before it ended.
func (t *Targets) List() (pids []int, all bool, err error) {
	before, err := t.entered()
	if err != nil {
		return nil, false, err
	}
	var pid, generation uint32
	it := t.byPID.Iterate()
	for it.Next(&pid, &generation) {
		pids = append(pids, int(pid))
	}
	aborted := errors.Is(it.Err(), ebpf.ErrIterationAborted)
	if err := it.Err(); err != nil && !aborted {
		return nil, false, fmt.Errorf("list the observed processes: %w", err)
	}
	after, err := t.entered()
	return pids, before == after && !aborted, err
}

// entered returns how many processes the kernel has entered.
func (t *Targets) entered() (n uint64, err error) {
	perCPU, err := readCounters(t.counters)
	for _, cpu := range perCPU {
		n += cpu.Targets
	}
	return n, err
}

// GenerationOf returns the generation of a process that reports now, if it is a
// target. The kernel ends it at the exec or exit.
func (t *Targets) GenerationOf(pid int) (Generation, bool) {
	var generation uint32
	if err := t.byPID.Lookup(uint32(pid), &generation); err != nil {
		return 0, false
	}
	return Generation(generation), true
}

// Map is the map whose keys are the processes that report now, for readers outside
// this process. It belongs to the Collector.
func (t *Targets) Map() *ebpf.Map { return t.byPID }

// Sweep frees the calls of processes that ended inside of a call: probes on entry and
// RET store each call until it returns.
func (t *Targets) Sweep() error {
	var key probesCallKey
	var call probesCall
	var over []probesCallKey
	it := t.calls.Iterate()
	for it.Next(&key, &call) {
		if !t.runs(int(key.Tgid), Generation(key.Generation)) {
			over = append(over, key)
		}
	}
	err := it.Err()
	if errors.Is(err, ebpf.ErrIterationAborted) {
		err = nil // calls came and went meanwhile; the next Sweep finds the rest
	}
	for _, key := range over {
		deleteErr := t.calls.Delete(key)
		if !errors.Is(deleteErr, ebpf.ErrKeyNotExist) {
			err = errors.Join(err, deleteErr)
		}
	}
	if err != nil {
		return fmt.Errorf("free the calls of processes that ended: %w", err)
	}
	return nil
}

// runs reports whether a process is a target and in that generation.
func (t *Targets) runs(pid int, generation Generation) bool {
	now, ok := t.GenerationOf(pid)
	return ok && now == generation
}
