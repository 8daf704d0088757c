package exchange

import (
	"h2trace/decoder"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
)

// Sink receives the results of a Tracker, whose methods call it.
type Sink interface {
	// Request takes an exchange when the head of its request is complete. e is valid
	// only until the call returns.
	Request(at ktime.Time, e *Exchange)
	// Exchange takes an ended exchange, or an open one when the Tracker is closed. e
	// is valid only until the call returns.
	Exchange(e *Exchange)
	// Stall takes a stall at its end.
	Stall(s *Stall)
}

// TunnelSink is a Sink that also takes the bytes in the tunnel of an HTTP/1.x CONNECT.
type TunnelSink interface {
	Sink
	// InTunnel takes bytes after the response. It must not keep b.
	InTunnel(at ktime.Time, d decoder.Direction, b []byte)
}

// Config is what the caller knows about a connection.
type Config struct {
	// Scheme is the scheme of requests that name none, "https" or "http".
	Scheme string
	// FromStart says that the connection is seen from its first byte.
	FromStart bool
	// Budget bounds the memory of all Trackers that share it; nil bounds nothing.
	Budget *Budget
}

// maxOpen bounds the open exchanges of a connection. Beyond it the Tracker gives up the
// oldest, whose end is unknown then.
const maxOpen = 16384

// Tracker follows the exchanges of one connection. Its work for each message is bounded,
// whatever the input. It is not safe for concurrent use.
type Tracker struct {
	cfg  Config
	sink Sink

	known  bool // client is
	client decoder.Direction

	begun   uint64           // exchanges
	all     list             // open exchanges
	cost    int64            // their share of the budget
	streams map[uint32]*open // those on HTTP/2
	byID    byID             // those that the client opened
	unended [2]int           // by direction: how many have more to send
	losses  [2]uint32        // by direction, so far
	late    [2]bool          // by direction: no frame has come since a loss
	lastID  [2]uint32        // by parity, of exchanges whose beginning was seen
	firstID [2]uint32
	highest [2]uint32       // by parity, of all streams
	missed  map[uint32]bool // ended streams whose beginning was not seen
	// promising is the stream of a PUSH_PROMISE with an incomplete field block.
	promising uint32
	broken    [2]*decoder.Violation // by direction, see violated
	goAway    *Error                // the GOAWAY of the server
	ended     bool                  // the connection has ended
	by        Ended
	conn      [2]window
	rtt       roundTrip
	crowd     Crowd
	waiting   waiting

	http1     *http1.Conn
	last      *open // whose request is being read
	answering *open // whose response is
	// pipelined says that an HTTP/1.1 request came before the response to another.
	pipelined bool
	// unmet counts the given up requests, older than all open ones, whose responses
	// are still to come.
	unmet    int
	protocol string // named by a 101
	upgrade  *upgrade
	upgraded UpgradeSink // set if the connection continues in HTTP/2
	tunnel   TunnelSink  // set if a CONNECT was granted
	mixed    *Error      // set if client and server speak different versions
}

// New returns a Tracker that reports to sink. A nil Tracker ignores all calls.
func New(cfg Config, sink Sink) *Tracker {
	return &Tracker{cfg: cfg, sink: sink, streams: make(map[uint32]*open)}
}

// SetClient sets the direction of the client, before all other calls. Without it the Tracker
// infers the direction.
func (t *Tracker) SetClient(d decoder.Direction) {
	if t != nil && !t.known {
		t.known, t.client = true, d
	}
}

// Crowd says how many exchanges an HTTP/2 connection carried at once.
type Crowd struct {
	Peak int // at most
	// Allowed is the last MAX_CONCURRENT_STREAMS of the server (RFC 9113 §6.5.2), nil
	// if none was seen.
	Allowed *uint32
}

// Crowd returns the crowd so far.
func (t *Tracker) Crowd() Crowd {
	if t == nil {
		return Crowd{}
	}
	return t.crowd
}

// set takes the SETTINGS of the server.
func (c *Crowd) set(settings []decoder.Setting) {
	for _, s := range settings {
		if s.ID == decoder.SettingMaxConcurrentStreams {
			c.Allowed = new(s.Value)
		}
	}
}

func (t *Tracker) server() decoder.Direction { return t.client ^ 1 }

// Any reports whether a function is true for any open exchange.
func (t *Tracker) Any(f func(e *Exchange) bool) bool {
	if t == nil {
		return false
	}
	for o := t.all.oldest; o != nil; o = o.newer {
		if f(&o.Exchange) {
			return true
		}
	}
	return false
}

// enter adds an exchange that begins at a time.
func (t *Tracker) enter(o *open, at ktime.Time) {
	if t.all.len == maxOpen {
		t.forget(t.all.oldest)
	}
	t.begun++
	switch {
	case t.begun > 1:
		o.Reused = ReusedYes
	case t.cfg.FromStart:
		o.Reused = ReusedNo
	}
	o.losses = t.losses
	if server := t.server(); t.late[server] && o.Stream != 0 {
		o.unsure[server], o.hidden, o.skipped = true, true, true
	}
	for d := range o.before {
		o.before[d] = t.stood(decoder.Direction(d), at)
	}
	t.all.push(o)
	t.charge(o)
}

// enterStream adds an exchange that begins on HTTP/2, or continues there.
func (t *Tracker) enterStream(o *open) {
	t.crowd.Peak = max(t.crowd.Peak, len(t.streams)+1)
	t.streams[o.Stream] = o
	t.byID.add(o)
	for d, over := range o.over {
		if !over {
			t.unended[d]++
		}
	}
}

// remove removes an exchange.
func (t *Tracker) remove(o *open) {
	t.all.remove(o)
	t.pay(o, 0)
	if t.last == o {
		t.last = nil
	}
	if t.answering == o {
		t.answering = nil
	}
	if t.streams[o.Stream] != o {
		return
	}
	delete(t.streams, o.Stream)
	t.byID.remove(o)
	for d, over := range o.over {
		if !over {
			t.unended[d]--
		}
	}
}

// heard returns the open exchange of a stream, after applying known losses to it, or nil.
func (t *Tracker) heard(id uint32) *open {
	o := t.streams[id]
	if o != nil && o.losses != t.losses {
		t.doubt(o)
	}
	return o
}

// doubt marks the state of an exchange that lost bytes may have changed.
func (t *Tracker) doubt(o *open) {
	for d, n := range t.losses {
		if o.losses[d] == n {
			continue
		}
		o.unsure[d] = !o.over[d]
		if decoder.Direction(d) == t.server() {
			o.hidden = o.hidden || o.Response == 0
		}
	}
	o.partial, o.flow, o.losses = true, nil, t.losses
}

// Lost says that bytes of a direction were lost, and frames with them. Open exchanges may
// have continued or ended.
func (t *Tracker) Lost(d decoder.Direction) {
	if t == nil {
		return
	}
	t.losses[d]++
	t.late[d] = true
	for d := range t.conn {
		t.conn[d] = window{stood: t.conn[d].stood}
	}
	t.rtt.pending, t.rtt.ping = 0, 0
	t.cfg.FromStart = false
}
