package report

import "h2trace/export/scan"

// An event holds the keys of one line that a report needs. Each kind and action has its own
// type. The parser owns an event, and reuses it for the next line; its slices point into the
// line.
type event interface {
	// heading returns the keys of all kinds of events.
	heading() *head
	// member takes a member that only some kinds have.
	member(key, v []byte)
}

// head holds the keys of all kinds of events.
type head struct {
	at   wallTime
	pid  int64
	comm []byte // as written, and so is conn
	conn []byte
}

func (h *head) heading() *head { return h }

// A process or conn event without keys that a report reads is a processEvent or a
// connEvent, and an event of a kind that it does not read an otherEvent.
type (
	processEvent struct{ head }
	connEvent    struct{ head }
	otherEvent   struct{ head }
)

func (*processEvent) member(_, _ []byte) {}
func (*connEvent) member(_, _ []byte)    {}
func (*otherEvent) member(_, _ []byte)   {}

// parser parses lines into events. It holds one event of each type.
type parser struct {
	times scan.Times

	process  processEvent
	attached attachedEvent
	exec     execEvent
	exit     exitEvent
	skipped  skippedEvent
	said     complaintEvent
	lock     lockEvent

	connection connEvent
	open       openEvent
	failed     failedEvent
	close      closeEvent
	silent     silentEvent
	counted    countedEvent
	lookup     dnsEvent

	frame    frameEvent
	exchange exchangeEvent
	stall    stallEvent
	loss     lossEvent
	summary  summaryEvent
	other    otherEvent
}

// parse parses a line, and returns nil if it is no event. It reads a line once if the kind
// and action precede the keys that depend on them, as h2trace writes it.
func (p *parser) parse(line []byte) event {
	var e event
	var h head
	var kind, action []byte
	var version, timed, early bool
	valid := scan.Members(line, func(key, v []byte) {
		switch string(key) {
		case "v":
			version = string(v) == "1"
		case "ts":
			var at int64
			at, timed = p.times.Parse(v)
			h.at = wallTime(at)
		case "event":
			if len(v) > 2 && v[0] == '"' {
				early, kind = early || e != nil, v
			}
		case "action":
			early, action = early || e != nil, v
		case "pid":
			h.pid, _ = scan.Integer(v)
		case "comm":
			h.comm = v
		case "conn":
			h.conn = v
		default:
			if e == nil {
				e = p.start(kind, action)
			}
			e.member(key, v)
		}
	})
	if !valid || !version || !timed || kind == nil {
		return nil
	}
	if e == nil || early {
		e = p.start(kind, action)
	}
	if early {
		scan.Members(line, e.member)
	}
	*e.heading() = h
	return e
}

// start returns the empty event for a kind and an action, as written.
func (p *parser) start(kind, action []byte) event {
	switch string(kind) {
	case `"frame"`:
		p.frame = frameEvent{}
		return &p.frame
	case `"exchange"`:
		p.exchange = exchangeEvent{}
		return &p.exchange
	case `"stall"`:
		p.stall = stallEvent{}
		return &p.stall
	case `"loss"`:
		p.loss = lossEvent{}
		return &p.loss
	case `"summary"`:
		p.summary = summaryEvent{}
		return &p.summary
	case `"process"`:
		return p.startProcess(action)
	case `"conn"`:
		return p.startConn(action)
	}
	return &p.other
}

func (p *parser) startProcess(action []byte) event {
	switch string(action) {
	case `"attached"`:
		p.attached = attachedEvent{}
		return &p.attached
	case `"exec"`:
		p.exec = execEvent{}
		return &p.exec
	case `"exit"`:
		p.exit = exitEvent{}
		return &p.exit
	case `"skipped"`:
		p.skipped = skippedEvent{}
		return &p.skipped
	case `"lock"`:
		p.lock = lockEvent{}
		return &p.lock
	case `"error"`:
		p.said = complaintEvent{}
		return &p.said
	}
	return &p.process
}

func (p *parser) startConn(action []byte) event {
	switch string(action) {
	case `"open"`:
		p.open = openEvent{}
		return &p.open
	case `"failed"`:
		p.failed = failedEvent{}
		return &p.failed
	case `"close"`:
		p.close = closeEvent{}
		return &p.close
	case `"dns"`:
		p.lookup = dnsEvent{}
		return &p.lookup
	case `"silent"`:
		p.silent = silentEvent{}
		return &p.silent
	case `"counted"`:
		p.counted = countedEvent{}
		return &p.counted
	}
	return &p.connection
}
