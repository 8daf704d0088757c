package report

// run is what is known of the run that is being read.
type run struct {
	path
	first, last int64 // times of its events; 0 before the first
	command     int64 // pid of what was run, 0 when it is not known
	ended       int64 // when command exited
	failed      bool  // with another status than 0
	conns       map[string]*connection
	made        made
}

// connection is one of a run that is open.
type connection struct {
	proxy *proxy
}

// maxConns bounds the connections of a run that are open at once, as far as
// their round-trip times and retransmissions are told by proxy.
const maxConns = 1 << 16

func newRun() *run { return &run{conns: make(map[string]*connection)} }

func (r *run) conn(id []byte) *connection {
	if id == nil {
		return nil
	}
	c := r.conns[string(id)]
	if c == nil && len(r.conns) < maxConns {
		c = &connection{}
		r.conns[string(id)] = c
	}
	return c
}

// setup takes the phases of a connection, which is opened when its TLS handshake
// begins, or which failed: all of the exchanges that it carries waited for it.
func (r *run) setup(e *event) {
	x := &e.exchange.phases
	before := x[phaseDNS] + x[phaseConnect]
	after := x[phaseTLS]
	if is(e.action, "failed") {
		before, after = before+after, 0
	}
	if before+after > 0 {
		r.add(e.at-before, e.at+after, parts{partDNS: x[phaseDNS], partConnect: x[phaseConnect], partTLS: x[phaseTLS]})
	}
}

// process takes a process event. The first that executes something is the
// command, if nothing was attached to before.
func (r *run) process(e *event) {
	switch {
	case r.first == 0 && is(e.action, "exec"):
		r.command = e.pid
		r.start(e.at)
	case is(e.action, "exit") && e.pid == r.command && r.command != 0:
		r.ended = e.at
		r.failed = e.exited && e.exit != 0
	}
}

// end returns the parts of the wall time of the run.
func (r *run) end() parts {
	at := r.ended
	if at == 0 {
		at = r.last
	}
	r.start(r.first)
	return r.before(max(at, r.begin))
}
