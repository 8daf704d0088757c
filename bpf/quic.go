//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
)

func (r *Released) parse(head Head, sample []byte) error {
	raw, err := view[probesReleaseRecord](sample, int(unsafe.Sizeof(probesReleaseRecord{})))
	if err != nil {
		return err
	}
	*r = Released{head, raw.Socket}
	return nil
}

// key returns the key of a flow in the kernel. Packets of IPv4 have addresses of IPv4.
func (f QUICFlow) key() packetsQuicKey {
	k := packetsQuicKey{Socket: f.Socket}
	copy(k.Remote.Addr[:], f.Remote.Addr().AsSlice())
	k.Remote.Port = f.Remote.Port()
	return k
}

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
