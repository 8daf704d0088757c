//go:build linux

package trace

import (
	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/broker"
)

// none stands for no question, or no answer.
type none = struct{}

// brokeredKernel is the kernel of the thread that parses, which may not make the calls itself. What
// its answer says is waited for; the rest is carried out meanwhile, in the same order.
type brokeredKernel struct {
	wish       func(wished) (room bool, err error)
	wishLater  func(wished) error
	forget     func(bpf.Entry) error
	conns      func(none) ([]bpf.ConnState, error)
	ledger     func(none) (bpf.Ledger, error)
	watchClose func(*bpf.Socket) (none, error)
	streams    func(*bpf.Windows) (streams, error)
	readTLS    func(*bpf.Spot) (*bpf.TLSState, error)
	countQUIC  func(bpf.QUICFlow) (quicCount, error)
	listQUIC   func(none) (map[bpf.QUICFlow]bpf.QUICCount, error)
	forgetQUIC func(bpf.QUICFlow) error
}

// wished is a wish for a connection.
type wished struct {
	conn uint64
	wish bpf.Wish
}

// streams is the answer of OpenStreams, and quicCount that of CountQUIC.
type (
	streams struct {
		list []uint64
		ok   bool
	}
	quicCount struct {
		n  bpf.QUICCount
		ok bool
	}
)

// brokerKernel returns the kernel k for callers without rights. The memory that it reads is that of
// targets.
func brokerKernel(b *broker.Broker, k kernel, isTarget func(pid int) bool) kernel {
	return &brokeredKernel{
		wish: broker.Op(b, func(w wished) (bool, error) { return k.Wish(w.conn, w.wish) }),
		wishLater: broker.Later(b, func(w wished) error {
			_, err := k.Wish(w.conn, w.wish)
			return err
		}),
		forget:     broker.Later(b, k.Forget),
		conns:      broker.Op(b, func(none) ([]bpf.ConnState, error) { return k.Conns() }),
		ledger:     broker.Op(b, func(none) (bpf.Ledger, error) { return k.Ledger() }),
		watchClose: broker.Op(b, func(s *bpf.Socket) (none, error) { return none{}, k.WatchClose(s) }),
		streams: broker.Op(b, func(w *bpf.Windows) (s streams, err error) {
			if isTarget(w.PID) {
				s.list, s.ok = k.OpenStreams(w.PID, w)
			}
			return s, nil
		}),
		readTLS: broker.Op(b, k.ReadTLS),
		countQUIC: broker.Op(b, func(f bpf.QUICFlow) (c quicCount, err error) {
			c.n, c.ok, err = k.CountQUIC(f)
			return c, err
		}),
		listQUIC:   broker.Op(b, func(none) (map[bpf.QUICFlow]bpf.QUICCount, error) { return k.ListQUIC() }),
		forgetQUIC: broker.Later(b, k.ForgetQUIC),
	}
}

// Wish waits only for whether there is room for windows. The caller may change what the wish points
// to.
func (k *brokeredKernel) Wish(conn uint64, w bpf.Wish) (room bool, err error) {
	if w.Windows != nil && w.Windows.Samples > 0 {
		return k.wish(wished{conn, w})
	}
	if w.Tables != nil {
		w.Tables = new(*w.Tables)
	}
	if w.Payload != nil {
		w.Payload = new(*w.Payload)
	}
	return true, k.wishLater(wished{conn, w})
}

func (k *brokeredKernel) Forget(e bpf.Entry) error        { return k.forget(e) }
func (k *brokeredKernel) Conns() ([]bpf.ConnState, error) { return k.conns(none{}) }
func (k *brokeredKernel) Ledger() (bpf.Ledger, error)     { return k.ledger(none{}) }
func (k *brokeredKernel) ForgetQUIC(f bpf.QUICFlow) error { return k.forgetQUIC(f) }

func (k *brokeredKernel) WatchClose(s *bpf.Socket) error {
	_, err := k.watchClose(s)
	return err
}

// OpenStreams is that of the process in w.
func (k *brokeredKernel) OpenStreams(_ int, w *bpf.Windows) ([]uint64, bool) {
	s, err := k.streams(w)
	return s.list, s.ok && err == nil
}

func (k *brokeredKernel) ReadTLS(s *bpf.Spot) (*bpf.TLSState, error) { return k.readTLS(s) }

func (k *brokeredKernel) CountQUIC(f bpf.QUICFlow) (bpf.QUICCount, bool, error) {
	c, err := k.countQUIC(f)
	return c.n, c.ok, err
}

func (k *brokeredKernel) ListQUIC() (map[bpf.QUICFlow]bpf.QUICCount, error) {
	return k.listQUIC(none{})
}
