package report

import (
	"h2trace/export/scan"
)

// timeline keeps what the page draws of each run: processes, connections, exchanges, stalls and
// windows. It watches the events beside the run. All of it is bounded (timelinebounds.go).
type timeline struct {
	times   scan.Times
	now     *drawnRun // nil between runs
	logs    map[*xlog]*drawnRun
	runs    []*drawnRun
	names   drawnNames
	held    held
	leftOut leftOut
	// leastRank is the highest rank of what may have been dropped: an exchange is held if its
	// rank is higher.
	leastRank int64
}

func newTimeline() *timeline {
	return &timeline{
		logs: make(map[*xlog]*drawnRun), names: newDrawnNames(), leastRank: -1,
		held: held{prune: maxDrawnPoints / tightPoints},
	}
}

// drawnRun is what is drawn of a run, or of a log of "go -x".
type drawnRun struct {
	begin, end wallTime
	spent      parts
	labels     map[string]string
	clock      bool // whether anything has a time

	processes []drawnProcess
	current   map[int64]int // processes that have not ended, by pid
	conns     []drawnConn
	open      map[string]int // by id, as written
	exchanges []drawnExchange
	stalls    []drawnStall
	pieces    []piece
}

// watch takes an event.
func (t *timeline) watch(e event, of *run) {
	if t.now == nil {
		t.now = &drawnRun{clock: true, current: make(map[int64]int), open: make(map[string]int)}
	}
	switch e := e.(type) {
	case *frameEvent:
		t.frame(e)
	case *exchangeEvent:
		t.exchange(e, of)
	case *stallEvent:
		t.stall(e)
	case *openEvent:
		t.opened(e, of)
	case *failedEvent:
		t.failed(e, of)
	case *closeEvent:
		t.closed(e)
	case *silentEvent:
		t.silent(e, of)
	case *execEvent:
		t.exec(e)
	case *attachedEvent:
		t.process(&e.head, true)
	case *skippedEvent:
		t.skipped(e)
	case *exitEvent:
		t.exit(e, of)
	case *complaintEvent:
		t.complaint(e)
	}
}

// ended takes the end of a run.
func (t *timeline) ended(r *run) {
	d := t.now
	if d == nil {
		return
	}
	d.begin, d.end, d.spent, d.labels = r.origin, r.until(), r.spent, r.labels
	d.pieces = r.track.pieces()
	t.leftOut.pieces += r.track.joined
	d.endConns(t)
	d.current, d.open = nil, nil
	t.now = nil
	if len(t.runs) == maxDrawnRuns {
		t.leftOut.runs++
		t.forget(d)
		return
	}
	d.mark()
	t.runs = append(t.runs, d)
}

// mark marks the exchanges on the critical path.
func (d *drawnRun) mark() {
	on := make(map[int64]bool, len(d.pieces))
	for _, p := range d.pieces {
		on[p.event] = true
	}
	for i := range d.exchanges {
		d.exchanges[i].critical = on[d.exchanges[i].event]
	}
}

// logged takes a request of a log of "go -x", which does not say when that began.
func (t *timeline) logged(l *xlog, one *logged) {
	d := t.logs[l]
	if d == nil {
		if len(t.logs) == maxLogs {
			t.leftOut.exchanges++
			return
		}
		d = &drawnRun{}
		t.logs[l] = d
	}
	x := drawnExchange{total: unknownLength, process: -1, conn: -1, status: one.status, bytes: -1}
	x.method = t.names.place([]byte("GET"))
	for i := range x.phases {
		x.phases[i] = unknownLength
	}
	if one.known {
		x.total, x.phases[phaseWait] = one.took, one.took
	}
	if one.class != "" {
		x.failed, x.class = true, t.names.place([]byte(one.class))
		x.facts = [][2]string{{"error", short(one.detail)}}
	}
	x.origin, x.path = t.names.cut([]byte(one.url))
	t.hold(d, x)
}

// endedLog takes the end of a log.
func (t *timeline) endedLog(l *xlog) {
	d := t.logs[l]
	if d == nil {
		return
	}
	delete(t.logs, l)
	if len(t.runs) == maxDrawnRuns {
		t.leftOut.runs++
		t.forget(d)
		return
	}
	t.runs = append(t.runs, d)
}
