package bpf

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/cilium/ebpf"
)

// QUIC is the beginning of a packet of UDP that may show what a connection of QUIC is. It
// may have many datagrams (UDP_SEGMENT in udp(7)): Datagrams returns them.
type QUIC struct {
	Head
	Packet
}

// Flow returns the flow of the packet.
func (q *QUIC) Flow() QUICFlow { return QUICFlow{Socket: q.Socket, Remote: q.Remote} }

// Datagrams calls f with each datagram in the packet, as far as it was copied.
func (q *QUIC) Datagrams(f func([]byte)) {
	size := int(q.Seq)
	if size == 0 {
		size = len(q.Payload)
	}
	for b := q.Payload; len(b) > 0; b = b[min(size, len(b)):] {
		f(b[:min(size, len(b))])
	}
}

// Released is that a socket which has carried QUIC is closed.
type Released struct {
	Head
	Socket uint64
}

func (r *Released) parse(head Head, sample []byte) error {
	raw, err := view[probesReleaseRecord](sample, int(unsafe.Sizeof(probesReleaseRecord{})))
	if err != nil {
		return err
	}
	*r = Released{head, raw.Socket}
	return nil
}

// QUICFlow is the datagrams between a socket and a peer.
type QUICFlow struct {
	Socket uint64
	Remote netip.AddrPort
}

// key returns the key of a flow in the kernel. Packets of IPv4 have addresses of IPv4.
func (f QUICFlow) key() packetsQuicKey {
	k := packetsQuicKey{Socket: f.Socket}
	copy(k.Remote.Addr[:], f.Remote.Addr().AsSlice())
	k.Remote.Port = f.Remote.Port()
	return k
}

// QUICCount counts the UDP payload and the datagrams of a flow, by direction.
type QUICCount struct{ Bytes, Datagrams [2]uint64 }

// QUICFlows are the flows that the kernel counts. Its map is all its state, so its methods
// are safe for concurrent use.
type QUICFlows struct {
	byKey *ebpf.Map // nil where packets are not watched
}

// CountQUIC returns what the kernel has counted of a flow, and whether it does.
func (q *QUICFlows) CountQUIC(f QUICFlow) (QUICCount, bool, error) {
	var v packetsQuicFlow
	err := q.byKey.Lookup(f.key(), &v)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return QUICCount{}, false, nil
	}
	if err != nil {
		return QUICCount{}, false, fmt.Errorf("count the datagrams of a flow: %w", err)
	}
	return QUICCount{v.Bytes, v.Datagrams}, true, nil
}

// ListQUIC returns what the kernel has counted of all flows. Of those that come and go
// meanwhile, some may be missing.
func (q *QUICFlows) ListQUIC() (map[QUICFlow]QUICCount, error) {
	list := make(map[QUICFlow]QUICCount)
	if q.byKey == nil {
		return list, nil
	}
	var key packetsQuicKey
	var v packetsQuicFlow
	it := q.byKey.Iterate()
	for it.Next(&key, &v) {
		f := QUICFlow{key.Socket, addrPort(v.Family, key.Remote.Addr, key.Remote.Port)}
		list[f] = QUICCount{v.Bytes, v.Datagrams}
	}
	if err := it.Err(); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return nil, fmt.Errorf("list the flows: %w", err)
	}
	return list, nil
}

// ForgetQUIC ends the count of a flow.
func (q *QUICFlows) ForgetQUIC(f QUICFlow) error {
	err := q.byKey.Delete(f.key())
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("forget a flow: %w", err)
	}
	return nil
}
