package flows

import (
	"encoding/binary"
	"hash/maphash"
	"maps"
	"net/netip"

	"h2trace/bpf"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

const (
	// maxQUIC bounds the flows of QUIC.
	maxQUIC = 1 << 14
	// The versions whose packets are told apart (RFC 9000, RFC 9369).
	quicV1 = 0x00000001
	quicV2 = 0x6b3343cf
	// leastInitial is the least datagram in which a client begins a connection (RFC 9000
	// §14.1), with a connection ID for the server of so many bytes (§7.2, §17.2).
	leastInitial     = 1200
	leastID, mostID  = 8, 20
	quicPeek         = 6
	maxQUICReports   = 16 // packets that may show what a connection is
	longHeader       = 0x80
	fixedBit         = 0x40
	packetTypeBits   = 0x30
	packetTypeV2Init = 0x10
)

// quicTable follows the flows of QUIC, as bpf/packets/quic.h does.
type quicTable struct {
	byID map[bpf.QUICFlow]*quicFlow
}

type quicFlow struct {
	count    bpf.QUICCount
	client   int // direction of what the client sends
	reported int
	settled  bool // its handshake is over
}

func newQUICTable() quicTable { return quicTable{byID: make(map[bpf.QUICFlow]*quicFlow)} }

var socketSeed = maphash.MakeSeed()

// socketOf returns a number for the socket with a local address. It is never 0.
func socketOf(local netip.AddrPort) uint64 {
	return maphash.Comparable(socketSeed, local) | 1
}

// isInitial reports whether a packet with a long header may be an Initial packet (RFC 9000
// §17.2, RFC 9369 §3.2). Other versions number theirs otherwise.
func isInitial(b []byte) bool {
	switch version := binary.BigEndian.Uint32(b[1:]); version {
	case quicV1:
		return b[0]&packetTypeBits == 0
	case quicV2:
		return b[0]&packetTypeBits == packetTypeV2Init
	default:
		return b[0]&fixedBit != 0 || version == 0
	}
}

// mayBegin reports whether a client may begin a connection with a datagram.
func mayBegin(b []byte, length int) bool {
	return length >= leastInitial && len(b) >= quicPeek && b[0]&longHeader != 0 && isInitial(b) &&
		binary.BigEndian.Uint32(b[1:]) != 0 && b[5] >= leastID && b[5] <= mostID
}

// udp takes a datagram.
func (t *Table) udp(at ktime.Time, p *capture.Packet, s *capture.Segment) error {
	begins := mayBegin(s.Payload, s.Length)
	if len(t.quic.byID) == 0 && !begins || s.Length == 0 {
		return nil
	}
	packet, f := t.quicFlowOf(p, s, begins)
	if f == nil {
		return nil
	}
	f.count.Bytes[packet.Dir] += uint64(s.Length)
	f.count.Datagrams[packet.Dir]++
	if !f.shows(packet.Dir, s.Payload, begins) {
		return nil
	}
	t.initial = bpf.QUIC{Head: bpf.Head{Time: at}, Packet: packet}
	t.initial.PID, t.initial.Comm = t.processOf(p, packet.Local)
	t.initial.Seq = 0 // one datagram
	t.ledger.SeenRecords++
	return t.engine.Take(&t.initial)
}

// quicFlowOf returns a datagram and its flow, nil if it is of none. Where the direction of
// packets is not known, the process is the client.
func (t *Table) quicFlowOf(p *capture.Packet, s *capture.Segment, begins bool) (bpf.Packet, *quicFlow) {
	for _, sent := range []bool{true, false} {
		if p.Direction != capture.DirectionUnknown && sent != (p.Direction == capture.Outbound) {
			continue
		}
		packet := packetOf(s, sent)
		packet.Socket = socketOf(packet.Local)
		id := bpf.QUICFlow{Socket: packet.Socket, Remote: packet.Remote}
		f := t.quic.byID[id]
		if f == nil && begins && len(t.quic.byID) < maxQUIC && (sent || p.Direction != capture.DirectionUnknown || !t.quic.hasReverse(s)) {
			f = &quicFlow{client: packet.Dir}
			t.quic.byID[id] = f
		}
		if f != nil {
			return packet, f
		}
	}
	return bpf.Packet{}, nil
}

// hasReverse reports whether a datagram belongs to a flow whose client is its receiver.
func (q *quicTable) hasReverse(s *capture.Segment) bool {
	return q.byID[bpf.QUICFlow{Socket: socketOf(s.Dest), Remote: s.Source}] != nil
}

// shows reports whether a datagram may show what a connection is.
func (f *quicFlow) shows(dir int, b []byte, begins bool) bool {
	isLong := len(b) >= quicPeek && b[0]&longHeader != 0
	if dir == f.client {
		if !isLong {
			f.settled = true
			return false
		}
		if f.settled && begins { // another connection
			f.settled, f.reported = false, 0
		}
	}
	if !isLong || !isInitial(b) || f.settled || f.reported >= maxQUICReports {
		return false
	}
	f.reported++
	return true
}

// CountQUIC returns what is counted of a flow.
func (t *Table) CountQUIC(id bpf.QUICFlow) (bpf.QUICCount, bool, error) {
	f := t.quic.byID[id]
	if f == nil {
		return bpf.QUICCount{}, false, nil
	}
	return f.count, true, nil
}

// ListQUIC returns what is counted of all flows.
func (t *Table) ListQUIC() (map[bpf.QUICFlow]bpf.QUICCount, error) {
	list := make(map[bpf.QUICFlow]bpf.QUICCount, len(t.quic.byID))
	for id, f := range maps.All(t.quic.byID) {
		list[id] = f.count
	}
	return list, nil
}

// ForgetQUIC ends the count of a flow.
func (t *Table) ForgetQUIC(id bpf.QUICFlow) error {
	delete(t.quic.byID, id)
	return nil
}
