package flows

import (
	"net/netip"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// flow is a TCP connection.
type flow struct {
	key   key
	pid   int
	comm  string
	id    uint64 // of the connection for the engine, once it is open
	local netip.AddrPort
	role  bpf.Role
	// syn, synAck and acked are the times of the SYN, of its answer and of the answer to that,
	// 0 if they were not seen.
	syn, synAck, acked ktime.Time
	ttl                uint8 // of the first received segment with payload
	fromStart          bool
	fastOpen           bool // the payload of its SYN waits
	carries            carries
	opened             bool
	ending             bool // both sides have ended it, and bytes are missing
	reset              bool // a RST was seen
	over               bool // its close is reported
	owing              bool // it is in Table.owing
	want               bpf.PayloadWish
	streams            [2]stream
	waiting            waiting
	copies             copies
	inbound            bool // a packet was seen to come in
	after              bool // the peer sent bytes after the process had ended its direction
}

// remote returns the address of the peer.
func (f *flow) remote() netip.AddrPort {
	if f.local == f.key.local {
		return f.key.remote
	}
	return f.key.local
}

// dirOf returns the direction of what an endpoint sends.
func (f *flow) dirOf(source netip.AddrPort) int {
	if source == f.local {
		return bpf.Send
	}
	return bpf.Recv
}

// client reports whether a direction is that of what the client sends.
func (f *flow) client(dir int) bool {
	return (f.role == bpf.RoleServer) == (dir == bpf.Recv)
}

// wire says how the engine is to read the flow.
func (f *flow) wire() bpf.Wire {
	if f.carries == carriesTLS {
		return bpf.WireTLS
	}
	return bpf.WireHTTP
}

// begins takes that an endpoint has begun the connection: it is the client. Where the
// direction of packets is not known, the client is the process.
func (f *flow) begins(client netip.AddrPort) {
	if !f.key.oriented && f.local != client {
		f.local = client
		f.streams[0], f.streams[1] = f.streams[1], f.streams[0]
	}
	f.role = bpf.RoleServer
	if f.local == client {
		f.role = bpf.RoleClient
	}
}

// leastEphemeral is the least port that Linux and IANA choose for clients, or near it (RFC 6335
// §6; ip_local_port_range in ip(7)).
const leastEphemeral = 32768

// guessed takes the ports for a hint at who is the client, if one of them alone is a port that
// clients have. Else the role stays unknown, and the process has the higher port.
func (f *flow) guessed() {
	low, high := f.key.local, f.key.remote
	if low.Port() > high.Port() {
		low, high = high, low
	}
	f.begins(high)
	if low.Port() >= leastEphemeral || high.Port() < leastEphemeral {
		f.role = bpf.RoleUnknown
	}
}

// established returns when the connect ended, 0 if that was not seen. A capture from elsewhere
// than the client has the answer to the SYN too early, or the one to that too late.
func (f *flow) established() ktime.Time {
	if f.key.oriented || f.acked == 0 {
		return f.synAck
	}
	return f.acked
}

// path returns what the packets show of the path.
func (f *flow) path() bpf.Path {
	own, peer := &f.streams[bpf.Send], &f.streams[bpf.Recv]
	p := bpf.Path{
		Captured: true, TTL: f.ttl, Retransmits: own.again, OutOfOrder: peer.overtaken,
		SegmentsSent: own.segments, SegmentsReceived: peer.segments,
	}
	if f.syn != 0 && f.acked != 0 {
		p.MinRTT = max(f.acked.Sub(f.syn), 0) // wherever the packets were captured
	}
	return p
}

// ended returns who ended the connection first, and when the process did so.
func (f *flow) ended() (by bpf.Ender, at ktime.Time) {
	own, peer := &f.streams[bpf.Send], &f.streams[bpf.Recv]
	at = max(own.Ended(), peer.Ended())
	switch {
	case own.Ended() == 0:
		return bpf.EndedByPeer, at
	case peer.Ended() != 0 && peer.Ended() < own.Ended():
		return bpf.EndedByPeer, own.Ended()
	case !f.after:
		at = own.Ended()
	}
	return bpf.EndedByProcess, at
}

// totals counts both directions.
func (f *flow) totals() (n bpf.Totals) {
	for d := range f.streams {
		s := &f.streams[d]
		n.Seq[d], n.Offset[d], n.LostBytes[d], n.LostRecords[d] = s.records, s.Reach(), s.lostBytes, s.lostRecords
	}
	return n
}
