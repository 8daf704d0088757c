package flows

import (
	"net/netip"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// flow is a TCP connection.
type flow struct {
	key   key
	id    uint64 // of the connection for the engine, once it is open
	local netip.AddrPort
	role  bpf.Role
	// syn and synAck are when the connect began and ended, 0 if that was not seen.
	syn, synAck ktime.Time
	fromStart   bool
	carries     carries
	opened      bool
	over        bool // its close is reported
	want        bpf.PayloadWish
	streams     [2]stream
	after       bool // the peer sent bytes after the process had ended its direction
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

// ended returns who ended the connection first, and when the process did so.
func (f *flow) ended() (by bpf.Ender, at ktime.Time) {
	own, peer := &f.streams[bpf.Send], &f.streams[bpf.Recv]
	at = max(own.ended, peer.ended)
	switch {
	case own.ended == 0:
		return bpf.EndedByPeer, at
	case peer.ended != 0 && peer.ended < own.ended:
		return bpf.EndedByPeer, own.ended
	case !f.after:
		at = own.ended
	}
	return bpf.EndedByProcess, at
}

// totals counts both directions.
func (f *flow) totals() (n bpf.Totals) {
	for d := range f.streams {
		s := &f.streams[d]
		n.Seq[d], n.Offset[d], n.LostBytes[d], n.LostRecords[d] = s.records, s.end, s.lostBytes, s.lostRecords
	}
	return n
}
