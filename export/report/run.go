package report

// run is the state of the run being read. It takes the events, and adds its results to the
// sums of all runs.
type run struct {
	life
	path
	alive  map[int64]bool // processes
	conns  connections
	dials  dials
	said   said
	labels map[string]string
	hears  int64 // exchanges as a server
	spent  parts // when it has ended
	sums   *sums
}

// life is when a run began and ended, and how.
type life struct {
	first, last wallTime // of its events; 0 before the first
	command     int64    // pid of the command, 0 if unknown
	attached    bool     // processes were running before
	ended       wallTime // when the command exited
	outcome     outcome
	status      int64
	signal      string // sent to h2trace, or ""
	outlived    bool   // the observation ended before the command
}

// outcome is the outcome of a command.
type outcome int

// The outcomes.
const (
	unknown outcome = iota // also if processes were running before
	succeeded
	failed
)

func newRun(s *sums) *run { return &run{conns: newConnections(), sums: s} }

// begins takes a process that is observed from now on.
func (r *run) begins(pid int64) {
	if put(&r.alive, pid, true); !r.alive[pid] {
		r.sums.own.partial = true // there are too many to tell
	}
}

// executed takes an exec. If it is the first event of a run, it is that of the command.
func (r *run) executed(e *execEvent) {
	if r.first == 0 {
		r.command = e.pid
		r.start(e.at)
	}
}

// met takes another process event. A run that begins with it has no command.
func (r *run) met(at wallTime) {
	if r.first == 0 {
		r.attached = true
		r.start(at)
	}
}

// exited takes the end of a process.
func (r *run) exited(e *exitEvent) {
	r.met(e.at)
	delete(r.alive, e.pid)
	if e.pid == r.command && r.command != 0 {
		r.finish(e)
	}
	if ended, ok := r.sums.direct.exit(e); ok && e.pid != r.command {
		r.controlled(ended, e.at)
	}
	r.sums.tools.exit(e, r.command)
	r.sums.own.exit(e)
}

// finish takes the end of the command.
func (l *life) finish(e *exitEvent) {
	l.ended, l.status = e.at, e.status
	switch {
	case e.failed():
		l.outcome = failed
	case e.known:
		l.outcome = succeeded
	}
}

// hasNoCommand corrects a wrong command: with -n, the first exec is one of many.
func (l *life) hasNoCommand() {
	l.attached, l.command, l.ended, l.outcome = true, 0, 0, unknown
}

// until returns the end of the run.
func (r *run) until() wallTime {
	at := r.ended
	if at == 0 {
		at = r.last
	}
	if !r.begun {
		begin := r.first
		for i := range r.spans {
			begin = min(begin, r.spans[i].begin)
		}
		r.start(begin)
	}
	return max(at, r.begin)
}

// parts returns the parts of the wall time of the run. A command works until it ends. Servers,
// and processes that were running before, also wait for requests.
func (r *run) parts() parts {
	r.idles = r.waitsForWork()
	return r.before(r.until(), r.rest())
}

// waitsForWork reports whether there may be nothing to do outside of all spans.
func (r *run) waitsForWork() bool { return r.attached || r.hears > 0 && !r.asked }
