package report

// run is what is known of the run that is being read.
type run struct {
	path
	first, last wallTime // of its events; 0 before the first
	command     int64    // pid of what was run, 0 when it is not known
	attached    bool     // to processes that were running before
	ended       wallTime // when command exited
	outcome     outcome
	status      int64
	signal      string // that h2trace was sent, or ""
	outlived    bool   // the observing ended, and the command had not
	conns       map[string]*connection
	dials       dials
	hears       int64 // exchanges as a server
	handshaking int   // connections in conns of which no handshake has ended
}

// outcome is what a command came to.
type outcome int

// The outcomes.
const (
	unknown outcome = iota // also where processes were running before
	succeeded
	failed
)

// connection is one of a run that is open.
type connection struct {
	proxy     *proxy
	peer      string // of a server
	remote    string
	server    bool
	handshake wallTime // when its TLS handshake began, 0 when that is over
	met       bool     // it carried an exchange
}

// maxConns bounds the connections of a run that are open at once.
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

// opened takes a connection that was made, or met: its phases, when its TLS handshake
// begins. All of the exchanges that it carries waited for these.
func (r *run) opened(e *openEvent) {
	x := &e.phases
	if before := x[phaseDNS] + x[phaseConnect]; !e.server && before+x[phaseTLS] > 0 {
		r.add(span{
			begin: e.at.add(-before), end: e.at.add(x[phaseTLS]),
			parts: parts{partDNS: x[phaseDNS], partConnect: x[phaseConnect], partTLS: x[phaseTLS]},
		})
	}
	c := r.conn(e.conn)
	if c == nil {
		return
	}
	c.server, c.remote = e.server, text(e.remote)
	if e.server {
		c.peer, _, _ = cutLast(c.remote, ":")
	}
	if e.client && e.start && e.secrecy == someTLS && !e.known[phaseTLS] {
		c.handshake = e.at
		r.handshaking++
	}
}

// spoke notes that a connection carries something: its handshake is over.
func (r *run) spoke(c *connection) {
	if c != nil && c.handshake != 0 {
		c.handshake = 0
		r.handshaking--
	}
}

// executed takes a process that executes something. The first event of a run that is
// one is of the command.
func (r *run) executed(e *execEvent) {
	if r.first == 0 {
		r.command = e.pid
		r.start(e.at)
	}
}

// met takes another process event. A run that begins with one has no command.
func (r *run) met(at wallTime) {
	if r.first == 0 {
		r.attached = true
		r.start(at)
	}
}

// exited takes the end of a process.
func (r *run) exited(e *exitEvent) {
	r.met(e.at)
	if e.pid != r.command || r.command == 0 {
		return
	}
	r.ended, r.status = e.at, e.status
	switch {
	case e.failed():
		r.outcome = failed
	case e.known:
		r.outcome = succeeded
	}
}

// hasNoCommand corrects what was taken for the command: with -n, the first process
// that executes something is one of many.
func (r *run) hasNoCommand() {
	r.attached, r.command, r.ended, r.outcome = true, 0, 0, unknown
}

// until returns when the run ended.
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

// end returns the parts of the wall time of the run. A command works until it ends,
// but for a server, which waits for requests, as do processes that were running before.
func (r *run) end() parts {
	rest := partOther
	if r.attached || r.hears > 0 && !r.asked {
		rest = partIdle
	}
	return r.before(r.until(), rest)
}
