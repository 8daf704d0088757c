package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// tracedConn is one connection between the kernel's records and the printed
// events. It is the decoder.Sink of its decoder.
type tracedConn struct {
	connInfo
	feeder
	table     *connTable
	id        uint64 // the kernel's; the printed one is meta.Conn
	exchanges exchangeSink

	// cleartext is set on a connection without TLS.
	cleartext *cleartextConn

	announced bool            // the open event is printed
	spoke     bool            // see understood
	end       connEnd         // nil while it is open
	mixed     *exchange.Error // client and server do not speak the same
	// missing is set while something is, and is asked for.
	missing *missingState
	early   early
	// inStep says by direction that the header table was known after the last
	// block, and astray that one made it unknown, until it is asked for.
	inStep [2]bool
	astray bool
	// exe is what its process runs, nil until that is known.
	exe    *bpf.Executable
	silent [2]bool         // by direction: known to be silent while the other is not
	want   bpf.PayloadWish // what of its bytes is wanted
	// beside is another on the same socket, until it is known which of the two
	// is inside of the other.
	beside *tracedConn
	// hello is for a ClientHello that the connection without TLS began with.
	hello clienthello.Reader
	// verify is nil unless headers are to be verified.
	verify *verify.Conn
	queued queued
	// waits are its places among the waiters.
	waits []uint64
}

// A method that does not fit would make an optional sink none, without a word.
var _ interface {
	decoder.ByteSink
	decoder.LossSink
	decoder.MixedSink
	decoder.NoteSink
} = (*tracedConn)(nil)

// isNothing reports whether a connection is one without TLS that does not speak
// HTTP, of which nothing was printed.
func (c *tracedConn) isNothing() bool {
	return c.cleartext != nil && !c.announced && c.event.Protocol == ""
}

// follow begins to decode a connection.
func (c *tracedConn) follow(config decoder.Config) {
	c.decoder = decoder.NewConn(config, c)
	c.exchanges.follow(config.Role, config.FromStart)
}

// announce prints the open event, once.
func (c *tracedConn) announce() {
	if c.announced {
		return
	}
	c.announced = true
	if c.cleartext == nil {
		c.understood()
	}
	c.table.events.Conn(c.at(c.since), &c.event, export.ConnOpen{})
}

// understood notes that what its process says is seen: TLS, or HTTP without it. That
// frames were searched for is not enough.
func (c *tracedConn) understood() {
	if !c.spoke {
		c.spoke = true
		c.table.spoke[c.meta.PID] = true
	}
}

// isOf notes which side the process is on, where that was not known.
func (c *tracedConn) isOf(role decoder.Role) {
	client, known := role.Client()
	if c.event.Role != decoder.RoleUnknown || !known {
		return
	}
	c.event.Role = role
	c.exchanges.tracker.SetClient(client)
	c.decoder.SetRole(role)
}

// Protocol implements decoder.Sink.
func (c *tracedConn) Protocol(_ ktime.Time, p decoder.Protocol, fromStart bool) {
	switch p {
	case decoder.HTTP2:
		c.event.Protocol = export.ProtocolH2
		if c.cleartext != nil {
			c.event.Protocol = export.ProtocolH2C
		}
	case decoder.HTTP1:
		c.event.Protocol = export.ProtocolHTTP11
		c.understood()
	}
	if fromStart {
		c.event.Joined = export.JoinedStart
	}
	c.isOf(c.decoder.Role())
	if c.isNothing() {
		return
	}
	c.announce()
}

// Frame implements decoder.Sink.
func (c *tracedConn) Frame(f *decoder.Frame) {
	c.table.frames++
	if f.BlockEnd {
		known := c.decoder.TableKnown(f.Dir)
		c.astray = c.astray || c.inStep[f.Dir] && !known
		c.inStep[f.Dir] = known
	}
	c.understood()
	c.table.events.Frame(c.at(f.Time), f)
	c.exchanges.tracker.Frame(f)
	if c.cleartext != nil {
		c.cleartext.noteFrame(f)
	}
	if c.verify != nil && f.BlockEnd {
		c.verify.Decoded(verifiedBlock(f, c.decodedUpTo(f.Dir)))
	}
}

// Resync implements decoder.Sink.
func (c *tracedConn) Resync(at ktime.Time, dir decoder.Direction, skipped int64) {
	c.table.events.Conn(c.at(at), &c.event, export.ConnResync{Dir: dir, Skipped: skipped})
	c.exchanges.tracker.Lost(dir)
}

// Lost implements decoder.LossSink.
func (c *tracedConn) Lost(dir decoder.Direction) { c.exchanges.tracker.Lost(dir) }

// Bytes implements decoder.ByteSink.
func (c *tracedConn) Bytes(at ktime.Time, dir decoder.Direction, b []byte) {
	c.exchanges.tracker.Data(at, dir, b)
}

// Gap implements decoder.ByteSink.
func (c *tracedConn) Gap(at ktime.Time, dir decoder.Direction, n int64) {
	c.exchanges.gap(at, dir, n)
}
