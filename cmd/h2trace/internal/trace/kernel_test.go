//go:build linux

package trace

import (
	"bytes"
	"errors"
	"maps"

	"h2trace/bpf"
)

// fakeKernel replaces the kernel side. It keeps the wishes of a connection until the
// connection is forgotten. A test sets the rest.
type fakeKernel struct {
	wishes map[uint64]bpf.Wish
	conns  []bpf.ConnState
	ledger bpf.Ledger
	hits   uint64
	quic   map[bpf.QUICFlow]bpf.QUICCount
	on     bool // the recovery
	// states are what the memory of processes holds, by the address of a connection.
	states map[uint64]*bpf.TLSState
}

var (
	_ kernel = connKernel{}
	_ probes = (*bpf.Recovery)(nil)
)

// Wish replaces the parts that are given.
func (k *fakeKernel) Wish(conn uint64, w bpf.Wish) (bool, error) {
	if k.wishes == nil {
		k.wishes = make(map[uint64]bpf.Wish)
	}
	all := k.wishes[conn]
	if w.Tables != nil {
		all.Tables = w.Tables
	}
	if w.Windows != nil {
		all.Windows = w.Windows
	}
	if w.Payload != nil {
		all.Payload = w.Payload
	}
	k.wishes[conn] = all
	return true, nil
}

func (k *fakeKernel) Forget(e bpf.Entry) error {
	delete(k.wishes, e.ID)
	return nil
}

func (k *fakeKernel) Conns() ([]bpf.ConnState, error) { return k.conns, nil }

func (k *fakeKernel) Ledger() (bpf.Ledger, error) { return k.ledger, nil }

func (k *fakeKernel) WatchClose(*bpf.Socket) error { return nil }

func (k *fakeKernel) OpenStreams(int, *bpf.Windows) ([]uint64, bool) { return nil, false }

// ReadTLS returns a copy, as its keys are zeroed after use.
func (k *fakeKernel) ReadTLS(at *bpf.Spot) (*bpf.TLSState, error) {
	s := k.states[at.Ptr]
	if s == nil {
		return nil, bpf.ErrNoTLSState
	}
	c := *s
	for d := range c.Keys {
		k := &c.Keys[d]
		k.Secret, k.Key, k.IV = bytes.Clone(k.Secret), bytes.Clone(k.Key), bytes.Clone(k.IV)
	}
	return &c, nil
}

func (k *fakeKernel) CountQUIC(f bpf.QUICFlow) (bpf.QUICCount, bool, error) {
	n, ok := k.quic[f]
	return n, ok, nil
}

func (k *fakeKernel) ListQUIC() (map[bpf.QUICFlow]bpf.QUICCount, error) {
	return maps.Clone(k.quic), nil
}

func (k *fakeKernel) ForgetQUIC(f bpf.QUICFlow) error {
	delete(k.quic, f)
	return nil
}

func (k *fakeKernel) Begin([]string) error {
	k.on = true
	return nil
}

func (k *fakeKernel) End() error {
	if !k.on {
		return errors.New("recovery is not on")
	}
	k.on = false
	return nil
}

func (k *fakeKernel) Hits() (uint64, error) { return k.hits, nil }
