package decoder

import "h2trace/decoder/ktime"

// Role is the side of the connection that the observed process is on.
type Role uint8

// The roles. RoleUnknown is for connections met in the middle.
const (
	RoleUnknown Role = iota
	Client
	Server
)

// String returns "client", "server" or "unknown".
func (r Role) String() string {
	switch r {
	case Client:
		return "client"
	case Server:
		return "server"
	}
	return "unknown"
}

// Client returns the direction of the client, where the role is known.
func (r Role) Client() (d Direction, known bool) {
	switch r {
	case Client:
		return Send, true
	case Server:
		return Recv, true
	}
	return 0, false
}

// Protocol is the protocol of a connection.
type Protocol uint8

// The protocols. The first bytes of the client decide.
const (
	ProtocolUnknown Protocol = iota
	HTTP2
	HTTP1
)

// String returns "HTTP/2", "HTTP/1.x" or "unknown".
func (p Protocol) String() string {
	switch p {
	case HTTP2:
		return "HTTP/2"
	case HTTP1:
		return "HTTP/1.x"
	}
	return "unknown"
}

// Config is what the caller knows about a connection at its beginning.
type Config struct {
	Role Role
	// FromStart is set when the first byte of both directions will be seen.
	FromStart bool
	// BodyBytes is the number of bytes of each DATA payload in Frame.Body.
	BodyBytes int
	// Budget is shared with other connections. nil means no bound in common.
	Budget *Budget
	// Overhead bounds the work for frames that carry nothing. Beyond it they are counted.
	Overhead Overhead
}

// Conn decodes one connection. It is not safe for concurrent use. Its memory
// is bounded, see limits.go.
type Conn struct {
	cfg   Config
	sink  Sink
	bytes ByteSink // set if a side speaks HTTP/1.x and sink is one

	decided    bool
	protocol   Protocol
	fromStart  bool
	badPreface bool
	// missed says, by direction, that bytes were lost before the protocol was
	// decided, see Missed.
	missed [2]bool
	// replaying says that the frames being decoded came earlier than decoded
	// frames of the other direction.
	replaying bool

	sides    [2]side
	settings settings
	streams  streams
	windows  windows

	waiting waiting

	meter meter
	flood *Flood // nil while frames are decoded

	out Frame
}

// NewConn returns a Conn that reports to sink.
func NewConn(cfg Config, sink Sink) *Conn {
	c := &Conn{cfg: cfg, sink: sink, fromStart: cfg.FromStart, streams: streams{lossy: !cfg.FromStart}}
	c.streams.settings, c.windows.settings, c.windows.streams = &c.settings, &c.settings, &c.streams
	c.windows.dropAll()
	c.meter.bound = cfg.Overhead
	for d := range c.sides {
		c.sides[d].dir = Direction(d)
		c.sides[d].framer.capture = cfg.BodyBytes
		if !cfg.FromStart {
			c.settings[d].lose()
			c.sides[d].blocks.table.reset(beforeCapture)
		}
	}
	if !cfg.FromStart {
		c.windows.recovering()
	}
	c.SetRole(cfg.Role)
	return c
}

// Data takes the next bytes of a direction, seen at time at. The caller feeds both
// directions in the order of their bytes. Data does not keep b.
func (c *Conn) Data(at ktime.Time, dir Direction, b []byte) {
	switch {
	case len(b) == 0:
	case c.waiting.on:
		c.waiting.data(at, dir, b)
	default:
		c.takeData(at, dir, b)
	}
}

func (c *Conn) takeData(at ktime.Time, dir Direction, b []byte) {
	h := &c.sides[dir]
	h.bytes += int64(len(b))
	c.calmDown(at)
	for len(b) > 0 {
		if h.blocks.snapshots.empty() {
			c.feed(at, h, b)
			break
		}
		n := h.blocks.snapshots.reach(h.at, len(b))
		h.blocks.snapshots.near(h.at, int64(n), b[:n])
		c.feed(at, h, b[:n])
		c.expire(at, h)
		b = b[n:]
	}
	c.useSamples()
	if c.cfg.Budget != nil {
		c.cfg.Budget.account(c, Send)
		c.cfg.Budget.account(c, Recv)
	}
}

// Skip passes over n bytes of a direction that were left out on purpose. Anywhere but
// in a DATA payload they count as a Gap.
func (c *Conn) Skip(at ktime.Time, dir Direction, n int64) {
	switch {
	case n <= 0:
	case c.waiting.on:
		c.waiting.add(skipCall{at, dir, n})
	default:
		c.takeSkip(at, dir, n)
	}
}

func (c *Conn) takeSkip(at ktime.Time, dir Direction, n int64) {
	c.calmDown(at)
	h := &c.sides[dir]
	h.blocks.snapshots.near(h.at, n, nil)
	if rest := c.skip(at, h, n); rest > 0 {
		c.gap(at, h, rest)
	}
	c.expire(at, h)
	c.useSamples()
}

// Unread returns how many of the next bytes of a direction say nothing, as they belong to
// the payload of a DATA frame. Skip may take their place.
func (c *Conn) Unread(dir Direction) int64 {
	h := &c.sides[dir]
	if c.waiting.on || h.mode != framing || h.probation > 0 || h.more() || !h.blocks.snapshots.empty() {
		return 0
	}
	return h.framer.unread()
}

// Gap takes the loss of n bytes of a direction. A negative n is an unknown number.
func (c *Conn) Gap(at ktime.Time, dir Direction, n int64) { c.giveGap(gapCall{at, dir, n, false}) }

// GapAtMost is Gap where some of the n bytes may not have been there. Where the frames
// after it make no sense, that is so.
func (c *Conn) GapAtMost(at ktime.Time, dir Direction, n int64) {
	c.giveGap(gapCall{at, dir, n, true})
}

func (c *Conn) giveGap(g gapCall) {
	switch {
	case g.n == 0:
	case c.waiting.on:
		c.waiting.add(g)
	default:
		c.takeGap(g)
	}
}

func (c *Conn) takeGap(g gapCall) {
	c.calmDown(g.at)
	h := &c.sides[g.dir]
	c.gap(g.at, h, g.n)
	if g.atMost && h.mode == framing {
		h.probation = trustAfter
	}
	c.arrive(g.at, h)
}

// Missed says that bytes of a direction were lost after those given. A call to Gap
// follows when their offset is known. Until then, all that they may have changed is
// unknown, also in the other direction.
func (c *Conn) Missed(dir Direction) {
	if c.waiting.on {
		c.waiting.add(missedCall{dir})
		return
	}
	c.takeMissed(dir)
}

func (c *Conn) takeMissed(dir Direction) {
	switch {
	case !c.decided:
		c.missed[dir] = true
	case c.protocol == HTTP2:
		c.lost(dir)
	}
}

// Close ends the connection. It decodes the held bytes as far as possible, and reports
// an incomplete frame as truncated. Only accessors may be called after it.
func (c *Conn) Close(at ktime.Time) {
	c.Release()
	for d := range c.sides {
		c.end(at, &c.sides[d])
	}
	if c.flood != nil {
		c.endFlood(at)
	}
	if !c.decided && (c.sides[Send].bytes > 0 || c.sides[Recv].bytes > 0) {
		c.decide(at, ProtocolUnknown)
	}
	for d := range c.sides {
		c.release(&c.sides[d])
	}
}

// release returns the share of a direction to the Budget.
func (c *Conn) release(h *side) {
	if c.cfg.Budget != nil {
		c.cfg.Budget.charge(c, h, 0)
	}
}

// Protocol returns the protocol of the connection, ProtocolUnknown until it is decided.
func (c *Conn) Protocol() Protocol { return c.protocol }

// Decided reports whether Protocol is final.
func (c *Conn) Decided() bool { return c.decided }

// BadPreface reports whether the client's first bytes are no connection preface (RFC 9113 §3.4), and
// no request line of HTTP/1.x. It is final after Close. If the connection is for HTTP/2, as ALPN shows or frames of the
// server do, that is a connection error.
func (c *Conn) BadPreface() bool { return c.badPreface }

// Role returns the role of the observed process, as configured or as inferred from the
// bytes.
func (c *Conn) Role() Role {
	switch {
	case !c.streams.known:
		return RoleUnknown
	case c.streams.clientDir == Send:
		return Client
	}
	return Server
}

// SetRole sets the role of the observed process if it is unknown.
func (c *Conn) SetRole(r Role) {
	if d, known := r.Client(); known && !c.streams.known {
		c.streams.setClient(d)
	}
}

// Frames returns the number of reported frames of a direction.
func (c *Conn) Frames(dir Direction) int64 { return c.sides[dir].frames }

// Place returns the number of bytes of a direction that were given and do not wait, lost
// bytes included.
func (c *Conn) Place(dir Direction) int64 { return c.sides[dir].at }

func (d Direction) other() Direction { return d ^ 1 }

func (c *Conn) other(h *side) *side { return &c.sides[h.dir.other()] }

// decide sets the protocol and reports it.
func (c *Conn) decide(at ktime.Time, p Protocol) {
	if c.decided {
		return
	}
	c.decided, c.protocol = true, p
	c.streams.lossy = !c.fromStart
	c.sink.Protocol(at, p, c.fromStart && p != ProtocolUnknown)
	if p == HTTP2 {
		return
	}
	c.windows.history = nil
	held := [2]held{c.sides[Send].held, c.sides[Recv].held}
	for d := range c.sides {
		h := &c.sides[d]
		c.release(h)
		*h = side{dir: h.dir, mode: ignoring, bytes: h.bytes}
	}
	sink, ok := c.sink.(ByteSink)
	if !ok || p != HTTP1 {
		return
	}
	c.bytes = sink
	client, server := &c.sides[c.streams.clientDir], &c.sides[c.streams.clientDir.other()]
	client.mode, server.mode = passing, passing
	if c.fromStart {
		server.mode = judging
	}
	for _, h := range [...]*side{client, server} {
		held[h.dir].pieces(0, held[h.dir].end(), func(at ktime.Time, b []byte) { c.feed(at, h, b) })
	}
}

// lost resets what frames in lost bytes of d may have changed.
func (c *Conn) lost(d Direction) {
	c.streams.lost()
	c.settings.lost(d)
	c.windows.lost(d)
	c.limitTables()
	if sink, ok := c.sink.(LossSink); ok {
		sink.Lost(d)
	}
}

// limitTables bounds the header tables of both encoders by the HEADER_TABLE_SIZE of the
// side that receives the fields.
func (c *Conn) limitTables() {
	for d := range c.sides {
		c.sides[d].blocks.table.allow(c.settings.most(Direction(d), SettingHeaderTableSize))
	}
}
