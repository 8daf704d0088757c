package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/clienthello"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// tracedConn is one connection between the kernel's records and the printed
// events.
type tracedConn struct {
	connInfo
	feeder
	printer
	table *connTable
	id    uint64 // the kernel's; the printed one is meta.Conn

	opened bool    // its open record has come
	end    connEnd // nil while it is open
	// leftPath is what TCP knew of the path when the process ended, or nil.
	leftPath *bpf.Path
	// missing is set while something is, and is asked for.
	missing *missingState
	early   early
	oneWay  oneWay
	want    bpf.PayloadWish // which of its bytes are wanted, from packets
	// beside is another on the same socket, until it is known which of the two
	// is inside of the other.
	beside *tracedConn
	// inner is the connection inside of this one, and outer the one around it; both are
	// nil where bytes come from probes.
	inner, outer *tracedConn
	// hello is for a ClientHello that began the connection without TLS, or one whose bytes
	// come from calls.
	hello  clienthello.Reader
	queued queued
	// waits are its places among the waiters.
	waits []uint64
}

// oneWay is what is known of a connection that shows plaintext in one direction only.
type oneWay struct {
	since    ktime.Time // when that was noticed, 0: it was not
	known    bool       // before is
	before   uint64     // what its socket had moved in the other direction some time after since
	reported bool
}

// follow begins to decode a connection.
func (c *tracedConn) follow(config decoder.Config) {
	c.decoder = decoder.NewConn(config, &c.printer)
	c.exchanges.follow(config.Role, config.FromStart)
}
