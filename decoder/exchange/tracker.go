package exchange

import (
	"h2trace/decoder"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
)

// Sink receives what a Tracker finds. Calls come from inside its methods.
type Sink interface {
	// Request is called when the head of a request is complete. e is valid
	// only until the call returns.
	Request(at ktime.Time, e *Exchange)
	// Exchange is called when one ends, or when the Tracker is closed before
	// that. e is valid only until the call returns.
	Exchange(e *Exchange)
	// Stall is called when one ends.
	Stall(s *Stall)
}

// TunnelSink is a Sink that takes what goes through the tunnel of a CONNECT of
// HTTP/1.x.
type TunnelSink interface {
	Sink
	// InTunnel is called for the bytes that follow the response. b is not to be
	// kept.
	InTunnel(at ktime.Time, d decoder.Direction, b []byte)
}

// Config says what is known of a connection.
type Config struct {
	// Scheme is that of the requests which name none, "https" or "http".
	Scheme string
	// FromStart is set when the connection was seen from its first byte.
	FromStart bool
	// Budget bounds what all Trackers keep that share it; nil bounds nothing.
	Budget *http1.Budget
}

// maxOpen bounds the exchanges of a connection that are followed at once; for
// one more the oldest is given up, of which it is not known how it ends.
const maxOpen = 16384

// Tracker follows the exchanges of one connection. No input makes it do more
// than a bounded amount of work for each message. It is not safe for concurrent
// use.
type Tracker struct {
	cfg  Config
	sink Sink

	known  bool // client is
	client decoder.Direction

	begun   uint64           // exchanges
	all     list             // that are open
	cost    int64            // what they take of the budget
	streams map[uint32]*open // of them, on HTTP/2
	byID    byID             // of them, those that the client opened
	unended [2]int           // how many of them have more to send, by direction
	losses  [2]uint32        // of a direction so far
	late    [2]bool          // its frames, as after a loss none has come
	lastID  [2]uint32        // of exchanges that were seen to begin, by parity
	firstID [2]uint32
	highest [2]uint32       // that was heard of
	missed  map[uint32]bool // ended ones of which the beginning was not seen
	// promising is the stream of a PUSH_PROMISE whose field block goes on.
	promising uint32
	goAway    *Error // the server's last word
	ended     bool   // the connection has
	by        Ended
	conn      [2]window
	rtt       roundTrip
	waiting   waiting

	http1     *http1.Conn
	last      *open // whose request is being read
	answering *open // whose response is
	// pipelined says that a request of HTTP/1.1 came before the response to another.
	pipelined bool
	// unmet counts requests that were given up, before all that are open, and whose
	// responses are to come.
	unmet    int
	protocol string // that a 101 names
	upgrade  *upgrade
	upgraded UpgradeSink // set when the connection goes on with HTTP/2
	tunnel   TunnelSink  // set when a CONNECT was granted
	mixed    *Error      // set when client and server do not speak the same
}

// New returns a Tracker that reports to sink. A nil Tracker takes everything
// and follows nothing.
func New(cfg Config, sink Sink) *Tracker {
	return &Tracker{cfg: cfg, sink: sink, streams: make(map[uint32]*open)}
}

// SetClient says which direction is the client's, before anything else is
// said. Without it the Tracker finds out.
func (t *Tracker) SetClient(d decoder.Direction) {
	if t != nil && !t.known {
		t.known, t.client = true, d
	}
}

func (t *Tracker) server() decoder.Direction { return t.client ^ 1 }

// Any reports whether a function is true of an exchange that has not ended.
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

// enter takes an exchange that begins, at that time.
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
		o.unsure[server], o.hidden = true, true
	}
	for d := range o.before {
		o.before[d] = t.stood(decoder.Direction(d), at)
	}
	t.all.push(o)
	t.charge(o)
}

// enterStream takes one that begins on HTTP/2, or goes on with it.
func (t *Tracker) enterStream(o *open) {
	t.streams[o.Stream] = o
	t.byID.add(o)
	for d, over := range o.over {
		if !over {
			t.unended[d]++
		}
	}
}

// remove lets go of an exchange.
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

// heard returns the open exchange of a stream, brought up to what is known to be
// lost, or nil.
func (t *Tracker) heard(id uint32) *open {
	o := t.streams[id]
	if o != nil && o.losses != t.losses {
		t.doubt(o)
	}
	return o
}

// doubt notes what an exchange may have said in bytes that were lost.
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

// Lost notes that bytes of a direction were lost, and frames with them: what is
// open may have gone on, or ended.
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
