package exchange

import (
	"fmt"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// Hooks are the functions that a Conn calls, from inside of its methods and in the order of
// the bytes. Those that are nil are not called. What they get is valid only until they
// return.
type Hooks struct {
	// Protocol is called once, when the bytes show the protocol.
	Protocol func(at ktime.Time, p decoder.Protocol)
	// Frame takes each frame of HTTP/2, before the exchange that it begins or ends.
	Frame func(f *decoder.Frame)
	// Request takes an exchange when the head of its request is complete.
	Request func(at ktime.Time, e *Exchange)
	// Exchange takes an ended exchange, or an open one from Close.
	Exchange func(e *Exchange)
	// Stall takes a stall of flow control at its end.
	Stall func(s *Stall)
	// Lost is called when frames or messages of a direction may have been missed.
	Lost func(dir decoder.Direction)
	// Tunnel takes the bytes in the tunnel of an HTTP/1.x CONNECT.
	Tunnel func(at ktime.Time, dir decoder.Direction, b []byte)
	// TunnelGap takes that n of these bytes were lost, -1 for an unknown number.
	TunnelGap func(at ktime.Time, dir decoder.Direction, n int64)
}

// ConnConfig is what the caller of NewConn knows about a connection. The zero value is for
// one that is joined in the middle, without knowing which side is the client.
type ConnConfig struct {
	// Scheme is that of requests that name none, "https" or "http".
	Scheme string
	// Decoder configures the decoding of HTTP/2. Its Role and FromStart count for
	// HTTP/1.x, too.
	Decoder decoder.Config
	// Budget bounds the memory of the exchanges of all Conns that share it, see Config.
	Budget *Budget
}

// Conn decodes the plaintext of one connection, whichever version of HTTP it speaks: into
// frames, exchanges and stalls. It is a decoder.Conn and a Tracker that are wired. It goes
// on in HTTP/2 after an upgrade. Like these it is not safe for concurrent use, and its
// memory is bounded.
type Conn struct {
	config  decoder.Config
	hooks   Hooks
	decoder *decoder.Conn
	tracker *Tracker
	upgrade Upgrade
	doubted bool
}

// NewConn returns a Conn that calls hooks.
func NewConn(cfg ConnConfig, hooks Hooks) *Conn {
	c := &Conn{config: cfg.Decoder, hooks: hooks}
	c.decoder = decoder.NewConn(cfg.Decoder, (*frameSink)(c))
	c.tracker = New(Config{Scheme: cfg.Scheme, FromStart: cfg.Decoder.FromStart, Budget: cfg.Budget}, (*hookSink)(c))
	if client, known := cfg.Decoder.Role.Client(); known {
		c.tracker.SetClient(client)
	}
	return c
}

// Data takes the next bytes of a direction, seen at time at. The caller feeds both
// directions in the order of their bytes, and a request before its response. Data does not
// keep b.
func (c *Conn) Data(at ktime.Time, dir decoder.Direction, b []byte) {
	c.decoder.Data(at, dir, b)
	c.goOn()
}

// Skip passes over n bytes of a direction that were left out on purpose, see Unread.
func (c *Conn) Skip(at ktime.Time, dir decoder.Direction, n int64) {
	c.decoder.Skip(at, dir, n)
	c.goOn()
}

// Unread returns how many of the next bytes of a direction Skip may pass over without a
// loss: they belong to the payload of a DATA frame.
func (c *Conn) Unread(dir decoder.Direction) int64 { return c.decoder.Unread(dir) }

// Gap takes the loss of n bytes of a direction, -1 for an unknown number.
func (c *Conn) Gap(at ktime.Time, dir decoder.Direction, n int64) {
	c.decoder.Gap(at, dir, n)
	c.goOn()
}

// GapAtMost is Gap where some of the n bytes may not have been there, as after a record of
// TLS that did not open.
func (c *Conn) GapAtMost(at ktime.Time, dir decoder.Direction, n int64) {
	c.decoder.GapAtMost(at, dir, n)
	c.goOn()
}

// Missed says that bytes of a direction were lost after those given, before Gap can say how
// many. Until then, all that they may have changed is unknown, in both directions.
func (c *Conn) Missed(dir decoder.Direction) { c.decoder.Missed(dir) }

// Doubt says that bytes of both directions may be missing after those given, and that no
// Gap will say where. Exchanges that are open may have ended: Close then reports their end
// as unknown.
func (c *Conn) Doubt(at ktime.Time) {
	c.doubted = true
	for _, dir := range [...]decoder.Direction{decoder.Send, decoder.Recv} {
		if c.decoder.Protocol() == decoder.HTTP1 {
			c.Gap(at, dir, -1)
		} else {
			c.decoder.Missed(dir)
		}
	}
}

// Protocol returns the protocol of the connection, ProtocolUnknown until it is decided.
// After an upgrade it is HTTP2.
func (c *Conn) Protocol() decoder.Protocol { return c.decoder.Protocol() }

// Decided reports whether Protocol is final, but for an upgrade.
func (c *Conn) Decided() bool { return c.decoder.Decided() }

// SetRole sets the role of the observed process, if it is unknown.
func (c *Conn) SetRole(r decoder.Role) {
	c.decoder.SetRole(r)
	if client, known := r.Client(); known {
		c.tracker.SetClient(client)
	}
}

// Close ends the connection, and reports its open exchanges. by says who ended it. No
// method may be called after it.
func (c *Conn) Close(at ktime.Time, by Ended) {
	c.decoder.Close(at)
	c.goOn()
	if c.doubted { // the decoder may have held frames until now
		c.tracker.Lost(decoder.Send)
		c.tracker.Lost(decoder.Recv)
	}
	c.tracker.Close(at, by)
}

// goOn replaces the decoder if it has found an upgrade.
func (c *Conn) goOn() {
	if !c.upgrade.Pending() {
		return
	}
	c.config.Role = c.decoder.Role()
	c.decoder = c.upgrade.Decoder(c.config, (*frameSink)(c))
	c.upgrade.Feed(c.decoder)
}

// frameSink is the decoder.Sink of a Conn.
type frameSink Conn

// Protocol implements decoder.Sink.
func (s *frameSink) Protocol(at ktime.Time, p decoder.Protocol, _ bool) {
	if client, known := s.decoder.Role().Client(); known {
		s.tracker.SetClient(client)
	}
	if s.hooks.Protocol != nil {
		s.hooks.Protocol(at, p)
	}
}

// Frame implements decoder.Sink.
func (s *frameSink) Frame(f *decoder.Frame) {
	if s.hooks.Frame != nil {
		s.hooks.Frame(f)
	}
	s.tracker.Frame(f)
}

// Resync implements decoder.Sink.
func (s *frameSink) Resync(_ ktime.Time, dir decoder.Direction, _ int64) { s.Lost(dir) }

// Lost implements decoder.LossSink.
func (s *frameSink) Lost(dir decoder.Direction) {
	s.tracker.Lost(dir)
	if s.hooks.Lost != nil {
		s.hooks.Lost(dir)
	}
}

// Bytes implements decoder.ByteSink.
func (s *frameSink) Bytes(at ktime.Time, dir decoder.Direction, b []byte) { s.tracker.Data(at, dir, b) }

// Gap implements decoder.ByteSink.
func (s *frameSink) Gap(at ktime.Time, dir decoder.Direction, n int64) {
	if s.hooks.TunnelGap != nil && s.tracker.Tunneled() {
		s.hooks.TunnelGap(at, dir, n)
	}
	s.tracker.Gap(at, dir, n)
	if s.hooks.Lost != nil {
		s.hooks.Lost(dir)
	}
}

// Mixed implements decoder.MixedSink.
func (s *frameSink) Mixed(at ktime.Time, line string) {
	s.tracker.Mixed(at, MixedDetail(line))
}

// MixedDetail returns the detail for Tracker.Mixed from the status line of a
// decoder.MixedSink.
func MixedDetail(line string) string {
	if line == "" {
		return "the client speaks HTTP/1.x, the server HTTP/2"
	}
	return fmt.Sprintf("the client speaks HTTP/2, the server answered %q", line)
}

// hookSink is the Sink of a Conn.
type hookSink Conn

// Request implements Sink.
func (s *hookSink) Request(at ktime.Time, e *Exchange) {
	if s.hooks.Request != nil {
		s.hooks.Request(at, e)
	}
}

// Exchange implements Sink.
func (s *hookSink) Exchange(e *Exchange) {
	if s.hooks.Exchange != nil {
		s.hooks.Exchange(e)
	}
}

// Stall implements Sink.
func (s *hookSink) Stall(st *Stall) {
	if s.hooks.Stall != nil {
		s.hooks.Stall(st)
	}
}

// InTunnel implements TunnelSink.
func (s *hookSink) InTunnel(at ktime.Time, d decoder.Direction, b []byte) {
	if s.hooks.Tunnel != nil {
		s.hooks.Tunnel(at, d, b)
	}
}

// Upgraded implements UpgradeSink.
func (s *hookSink) Upgraded(at ktime.Time, settings string) { s.upgrade.Upgraded(at, settings) }

// Turned implements UpgradeSink.
func (s *hookSink) Turned(at ktime.Time, client decoder.Direction) { s.upgrade.Turned(at, client) }

// Tunneled implements UpgradeSink.
func (s *hookSink) Tunneled(at ktime.Time, d decoder.Direction, b []byte) {
	s.upgrade.Tunneled(at, d, b)
}

// Optional sinks with a method that does not fit would silently be none.
var (
	_ interface {
		decoder.ByteSink
		decoder.LossSink
		decoder.MixedSink
	} = (*frameSink)(nil)
	_ interface {
		TunnelSink
		UpgradeSink
	} = (*hookSink)(nil)
)
