package trace

import (
	"errors"
	"fmt"
	"slices"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/plancheck"
	"h2trace/cmd/h2trace/internal/procfs"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// judged is a probe with a verdict.
type judged struct {
	*planCheck
	exe   *bpf.Executable
	state *plancheck.Executable
	dir   int
	users []process.Process // that run the executable
}

func (j *judged) probe() *plancheck.Probe { return &j.state.Probes[j.dir] }

// path returns where to open the executable.
func (j *judged) path() string {
	return procfs.Path(procfs.LivingThread(j.users[0].PID), "exe")
}

// carryOut carries out a verdict, or begins to.
func (j *judged) carryOut(v plancheck.Verdict, now ktime.Time) error {
	switch v {
	case plancheck.Watch:
		j.watch()
	case plancheck.Count:
		return j.count(now)
	case plancheck.Replace:
		fired, err := j.fired()
		if fired || err != nil {
			j.probe().Fired()
			return err
		}
		j.replace(now)
	case plancheck.Unwatch:
		j.work.run(func() func() {
			err := j.collector.Witnesses.Unwatch(j.exe, j.dir)
			return func() { j.report(err) }
		})
	}
	return nil
}

func (j *judged) watch() {
	path := j.path()
	j.work.run(func() func() {
		err := j.collector.Witnesses.Watch(j.exe, path, j.dir)
		return func() {
			switch {
			case err == nil:
				j.probe().Watched()
			case !errors.Is(err, bpf.ErrNotAttached):
				j.probe().Settle()
				j.msg.Errorf("%v", err)
			}
		}
	})
}

// count counts the calls that witnesses saw.
func (j *judged) count(now ktime.Time) error {
	var sum uint64
	for _, proc := range j.users {
		calls, err := j.collector.Witnesses.Witnessed(proc.PID, proc.Generation)
		if err != nil {
			return err
		}
		sum += calls[j.dir]
	}
	j.probe().Witnessed(sum, now)
	return nil
}

// fired reports whether the kernel has counted bytes of the direction, even if all
// their records were lost.
func (j *judged) fired() (bool, error) {
	states, err := j.collector.Connections.Conns()
	return slices.ContainsFunc(states, func(c bpf.ConnState) bool {
		return c.Offset[j.dir] > 0 && slices.ContainsFunc(j.users, func(p process.Process) bool { return p.PID == c.PID })
	}), err
}

// replace attaches the fallback for a probe that never fired, as of a kernel time.
func (j *judged) replace(at ktime.Time) {
	path := j.path()
	tap := [2]string{bpf.Send: "write", bpf.Recv: "read"}[j.dir]
	verb := [2]string{bpf.Send: "sent", bpf.Recv: "received"}[j.dir]
	never := fmt.Sprintf("the %s probe (%s) never fired", tap, j.probeName(tap))
	var pids []int
	for _, proc := range j.users {
		pids = append(pids, proc.PID)
	}
	j.announceMissed(at)
	j.work.run(func() func() {
		err := j.collector.Witnesses.Replace(j.exe, path, j.dir, pids)
		return func() {
			if errors.Is(err, bpf.ErrNotAttached) {
				j.probe().Again()
				return
			}
			j.probe().Settle()
			if err != nil {
				j.msg.Errorf("%s: %s while data was %s, and cannot be replaced: %v", j.users[0].Exe, never, verb, err)
				return
			}
			j.msg.Infof("%s: %s while data was %s; entry+RET is used instead; what was %s before is missing",
				j.users[0].Exe, never, verb, verb)
			j.printReplaced(never)
		}
	})
}

// probeName names the probe at a tap.
func (j *judged) probeName(tap string) string {
	name := "probe"
	for _, probe := range j.collector.Executables.PlanOf(j.exe).Describe() {
		if string(probe.Tap) == tap {
			name = probe.Name
		}
	}
	return name
}

// printReplaced prints the new plan of the processes, and why.
func (j *judged) printReplaced(reason string) {
	now := monotonic()
	for _, proc := range j.users {
		event := j.processes.Attached(j.exe)
		event.Reason = reason
		proc.At = now
		j.processes.Print(&proc, event)
	}
}

// announceMissed announces, at a kernel time, that the probe missed an unknown number of
// bytes.
func (j *judged) announceMissed(at ktime.Time) {
	for _, c := range j.conns.byID {
		if c.exe != j.exe {
			continue
		}
		if c.end == nil {
			j.state.Miss(evidence(c, at), j.dir)
		}
		c.announce()
	}
	for _, conn := range j.state.TakeSilent(j.dir) {
		j.conns.events.Loss(&export.Loss{Time: at, Reason: export.LossGap, Conn: conn})
	}
}
