package exchange

import (
	"maps"
	"slices"

	"h2trace/decoder"
	"h2trace/decoder/http1"
)

// Sink receives what a Tracker finds. Calls come from inside its methods.
type Sink interface {
	// Exchange is called when one ends, or when the Tracker is closed before
	// that. e is valid only until the call returns.
	Exchange(e *Exchange)
	// Stall is called when one ends.
	Stall(s *Stall)
}

// UpgradeSink is a Sink that takes HTTP/2 on a connection that began with
// HTTP/1.1.
type UpgradeSink interface {
	Sink
	// Upgraded is called when the server agreed to go on with HTTP/2, before
	// Tunneled. settings is the value of the request's HTTP2-Settings field,
	// and the exchange is that of stream 1 now.
	Upgraded(at int64, settings string)
	// Tunneled is called for the bytes that follow. b is not to be kept.
	Tunneled(at int64, d decoder.Direction, b []byte)
}

// TunnelSink is a Sink that takes what goes through the tunnel of a CONNECT of
// HTTP/1.x.
type TunnelSink interface {
	Sink
	// InTunnel is called for the bytes that follow the response. b is not to be
	// kept.
	InTunnel(at int64, d decoder.Direction, b []byte)
}

// Config says what is known of a connection.
type Config struct {
	// Scheme is that of the requests which name none, "https" or "http".
	Scheme string
	// FromStart is set when the connection was seen from its first byte.
	FromStart bool
}

// maxOpen bounds the exchanges of a connection that are followed at once; for
// one more the oldest is given up, which then is reported as not ended.
const maxOpen = 16384

// Tracker follows the exchanges of one connection. It is not safe for
// concurrent use.
type Tracker struct {
	cfg  Config
	sink Sink

	known  bool // client is
	client decoder.Direction

	begun   uint64           // exchanges
	streams map[uint32]*open // HTTP/2
	lastID  [2]uint32        // of exchanges that were seen to begin, by parity
	firstID [2]uint32
	highest [2]uint32       // that was heard of
	missed  map[uint32]bool // ended ones of which the beginning was not seen
	goAway  *Error          // the server's last word
	ended   bool            // the connection has
	by      Ended
	conn    [2]window
	rtt     roundTrip

	http1 *http1.Conn
	queue []*open // HTTP/1: oldest first, those that wait for a response
	last  *open   // whose request is being read
	// upgrade is what the server goes on with, and upgraded is set when that
	// is HTTP/2.
	upgrade  string
	upgraded UpgradeSink
	tunnel   TunnelSink // set when a CONNECT was granted
}

// New returns a Tracker that reports to sink. A nil Tracker takes everything
// and follows nothing.
func New(cfg Config, sink Sink) *Tracker {
	return &Tracker{cfg: cfg, sink: sink, streams: make(map[uint32]*open)}
}

// SetClient says which direction is the client's, before anything else is
// said. Without it the Tracker finds out.
func (t *Tracker) SetClient(d decoder.Direction) { t.known, t.client = true, d }

func (t *Tracker) server() decoder.Direction { return t.client ^ 1 }

// Ended is who ended a connection.
type Ended uint8

// The ways in which a connection ends. NotEnded is for one that is followed no
// longer.
const (
	EndedUnknown Ended = iota
	EndedByPeer
	EndedByProcess
	EndedByNetwork // TCP had no answer for too long
	NotEnded
)

// Close reports the exchanges that have not ended: the connection has, or is
// not followed any longer.
func (t *Tracker) Close(at int64, by Ended) {
	if t == nil {
		return
	}
	for d := range t.conn {
		t.endConnStall(decoder.Direction(d), at, "close")
	}
	if t.http1 != nil {
		t.closeHTTP1(at, by)
	}
	for _, id := range slices.Sorted(maps.Keys(t.streams)) {
		o := t.streams[id]
		delete(t.streams, id)
		t.cut(o, at, by)
	}
}

// Waits reports whether a request that was sent has no response yet.
func (t *Tracker) Waits(method, url string) bool {
	return t.Any(func(e *Exchange) bool { return e.Status == 0 && e.Method == method && e.URL == url })
}

// Any reports whether a function is true of an exchange that has not ended.
func (t *Tracker) Any(f func(e *Exchange) bool) bool {
	if t == nil {
		return false
	}
	for _, o := range t.streams {
		if f(&o.Exchange) {
			return true
		}
	}
	return slices.ContainsFunc(t.queue, func(o *open) bool { return f(&o.Exchange) })
}

// cut reports an exchange that the end of its connection ended.
func (t *Tracker) cut(o *open, at int64, by Ended) {
	t.endStalls(o, at, "close")
	if by == NotEnded {
		t.report(o, 0)
		return
	}
	if !o.over[t.server()] {
		o.failed(t.endedBy(by))
	}
	t.report(o, at)
}

// endedBy says why an exchange failed that the end of its connection cut.
func (t *Tracker) endedBy(by Ended) (Class, string) {
	const cut = "connection ended before the response was complete"
	switch byClient := t.byClient(by); {
	case byClient:
		return ClassAborted, cut
	case t.goAway != nil:
		return t.goAway.Class, t.goAway.Detail
	case by == EndedByNetwork:
		return ClassTimeout, "the network let nothing through before the response was complete"
	}
	return ClassReset, cut
}

// Ended notes that a connection has ended. A client may still write, to no avail:
// what it gives up then, the end of the connection has cut.
func (t *Tracker) Ended(by Ended) {
	if t != nil {
		t.ended, t.by = true, by
	}
}

// byClient reports whether it was the client that ended the connection.
func (t *Tracker) byClient(by Ended) bool {
	return by == EndedByProcess && t.client == decoder.Send || by == EndedByPeer && t.client == decoder.Recv
}

func (t *Tracker) report(o *open, at int64) {
	o.End = at
	if o.Error == nil {
		o.judge()
	}
	o.order()
	if o.partial {
		o.RequestBytes, o.ResponseBytes = -1, -1
	}
	t.sink.Exchange(&o.Exchange)
}

// enter counts an exchange that begins.
func (t *Tracker) enter(o *open) {
	t.begun++
	switch {
	case t.begun > 1:
		o.Reused = ReusedYes
	case t.cfg.FromStart:
		o.Reused = ReusedNo
	}
}
