package trace

import (
	"errors"
	"fmt"
	"slices"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/export"
)

// settle does what is to be done next about a probe, and reports whether that is
// under way.
func (k *planCheck) settle(exe *bpf.Executable, s *planState, dir int, users []process, now int64, idle bool) (bool, error) {
	t := &s.taps[dir]
	path := procfs.Path(procfs.LivingThread(users[0].pid), "exe")
	switch {
	case t.settled && t.watched:
		t.watched = false
		k.work(func() func() {
			err := k.collector.Unwatch(exe, dir)
			return func() { k.report(err) }
		})
		return true, nil
	case t.settled || !t.suspect:
		return false, nil
	case !t.watched:
		k.work(func() func() {
			err := k.collector.Watch(exe, path, dir)
			return func() {
				t.watched = err == nil
				t.settled = t.settled || err != nil && !errors.Is(err, bpf.ErrNotAttached)
				k.report(err)
			}
		})
		return true, nil
	}
	// What the probe reported before the witnesses were asked must be read.
	if t.at > 0 && (idle || k.read > t.at) {
		fired, err := k.fired(users, dir)
		if t.settled = true; fired || err != nil {
			return false, err
		}
		t.watched = false
		k.replace(exe, s, dir, users, path, now)
		return true, nil
	}
	t.calls = 0
	for _, proc := range users {
		calls, err := k.collector.Witnessed(proc.pid, proc.life)
		if err != nil {
			return false, err
		}
		t.calls += calls[dir]
	}
	if t.calls >= witnessesNeeded {
		t.at = now
	}
	return false, nil
}

// fired reports whether the kernel side has counted bytes of a direction, also
// when all records of them were lost.
func (k *planCheck) fired(users []process, dir int) (bool, error) {
	states, err := k.collector.Conns()
	return slices.ContainsFunc(states, func(c bpf.ConnState) bool {
		return c.Offset[dir] > 0 && slices.ContainsFunc(users, func(p process) bool { return p.pid == c.PID })
	}), err
}

// witnessesNeeded is how many calls convict a probe. A goroutine can be taken off
// its thread between the two, and passes the entry again when it goes on.
const witnessesNeeded = 4

// replace takes the fallback for a probe that never fired, as of a kernel time.
func (k *planCheck) replace(exe *bpf.Executable, s *planState, dir int, users []process, path string, at int64) {
	was := "probe"
	tap := [2]string{bpf.Send: "write", bpf.Recv: "read"}[dir]
	for _, probe := range k.collector.PlanOf(exe).Describe() {
		if string(probe.Tap) == tap {
			was = probe.Name
		}
	}
	var pids []int
	for _, proc := range users {
		pids = append(pids, proc.pid)
	}
	k.missing(exe, s, dir, at)
	k.work(func() func() {
		err := k.collector.Replace(exe, path, dir, pids)
		return func() {
			verb := [2]string{bpf.Send: "sent", bpf.Recv: "received"}[dir]
			if errors.Is(err, bpf.ErrNotAttached) { // until somebody runs it again
				s.taps[dir] = tapState{suspect: true}
				return
			}
			if err != nil {
				k.msg.Errorf("%s: the %s probe (%s) never fired while data was %s, and cannot be replaced: %v", users[0].exe, tap, was, verb, err)
				return
			}
			k.msg.Infof("%s: the %s probe (%s) never fired while data was %s; entry+RET is used instead; what was %s before is missing",
				users[0].exe, tap, was, verb, verb)
			now := monotonic()
			for _, proc := range users {
				event := k.processes.attachedTo(exe)
				event.Reason = fmt.Sprintf("the %s probe (%s) never fired", tap, was)
				proc.at = now
				k.processes.print(proc, event)
			}
		}
	})
}

// missing announces, at a kernel time, what the probe missed: nobody knows how
// much.
func (k *planCheck) missing(exe *bpf.Executable, s *planState, dir int, at int64) {
	for _, c := range k.conns.byID {
		if c.exe == exe && c.closed == nil && !c.silent[dir] && c.next[dir].offset == 0 {
			c.silent[dir] = true
			s.silent[dir] = append(s.silent[dir], c.meta.Conn)
		}
		if c.exe == exe {
			c.announce()
		}
	}
	for _, conn := range s.silent[dir] {
		k.conns.events.Loss(&export.Loss{Time: k.conns.clock.wall(at), Reason: export.LossGap, Conn: conn})
	}
	s.silent[dir] = nil
}
