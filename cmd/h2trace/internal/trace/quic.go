package trace

import (
	"cmp"
	"errors"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/quic"
	"h2trace/decoder/tcp"
	"h2trace/export"
)

const (
	// maxQUICHandshakes bounds the flows whose handshakes are read. A flow that is
	// dropped there begins anew with its next packet.
	maxQUICHandshakes = 1024
	// maxQUICConns bounds the connections that are held, with the flows that have none.
	// A stranger may begin any number of them. The datagrams of one packet may exceed it.
	maxQUICConns = 4096
	// maxQUICBytes bounds the bytes of handshakes that wait for others.
	maxQUICBytes = 4 << 20
	// quicLook is how often flows are looked at, and quicIdle after how many looks
	// without a datagram one is over. The default of the address translators on the way
	// is to forget a flow then (RFC 4787 §4.3).
	quicLook = time.Minute
	quicIdle = 5
)

// quicFlows prints the connections of QUIC.
type quicFlows struct {
	kernel   quicKernel
	shared   *printed
	resolver *resolver
	counts   *counts
	keys     *keyring
	budget   *tcp.Budget
	// open holds the flows by socket and peer.
	open    map[uint64]map[netip.AddrPort]*quicFlow
	held    int // connections, and flows without
	reading int // handshakes
	next    ktime.Time
	// strangers are those of the kernel of which no packet came, at the last look.
	strangers map[bpf.QUICFlow]bool
}

func newQUICFlows(k quicKernel, shared *printed, r *resolver, n *counts, keys *keyring) *quicFlows {
	return &quicFlows{
		kernel: k, shared: shared, resolver: r, counts: n, keys: keys, budget: tcp.NewBudget(maxQUICBytes),
		open: make(map[uint64]map[netip.AddrPort]*quicFlow),
	}
}

// quicFlow is the datagrams between a socket and a peer.
type quicFlow struct {
	id        bpf.QUICFlow
	since     ktime.Time
	role      decoder.Role
	handshake *quic.Flow // nil while none is read
	conns     []*quicConn
	counted   bpf.QUICCount // at the last look
	idle      int           // looks since then
}

// weight is what a flow adds to quicFlows.held.
func (f *quicFlow) weight() int { return max(1, len(f.conns)) }

// packet takes a packet that may show a connection.
func (q *quicFlows) packet(e *bpf.QUIC) error {
	err := q.makeRoom(e.Time)
	peers := q.open[e.Socket]
	if peers == nil {
		peers = make(map[netip.AddrPort]*quicFlow, 1)
		q.open[e.Socket] = peers
	}
	f := peers[e.Remote]
	if f == nil {
		f = &quicFlow{id: e.Flow(), since: e.Time, role: decoder.Client}
		if e.Dir == bpf.Recv { // the client begins
			f.role = decoder.Server
		}
		peers[e.Remote] = f
		q.held += f.weight()
	}
	f.idle = -1 // at the next look, it is not idle
	if f.handshake == nil {
		q.read(f)
	}
	client, _ := f.role.Client()
	e.Datagrams(func(b []byte) {
		if c := f.handshake.Datagram(e.Time, decoder.Direction(e.Dir) == client, b); c != nil {
			q.learn(f, c, e)
		}
	})
	return err
}

// makeRoom ends a quarter of what is held if that is too much: the flows that are idle for
// the longest time, or began first.
func (q *quicFlows) makeRoom(at ktime.Time) (err error) {
	if q.held < maxQUICConns {
		return nil
	}
	for _, f := range slices.SortedFunc(q.flows(), func(a, b *quicFlow) int {
		return cmp.Or(cmp.Compare(b.idle, a.idle), byBegin(a, b))
	}) {
		if q.held > maxQUICConns*3/4 {
			err = errors.Join(err, q.end(f, at))
		}
	}
	return err
}

// read begins to read the handshakes of a flow.
func (q *quicFlows) read(f *quicFlow) {
	if q.reading >= maxQUICHandshakes {
		for o := range q.flows() {
			q.stop(o)
		}
	}
	f.handshake = quic.NewFlow(q.budget)
	q.reading++
}

// stop forgets the handshakes of a flow.
func (q *quicFlows) stop(f *quicFlow) {
	if f.handshake != nil {
		f.handshake.Close()
		f.handshake = nil
		q.reading--
	}
}

func (q *quicFlows) flows() iter.Seq[*quicFlow] {
	return func(yield func(*quicFlow) bool) {
		for _, peers := range q.open {
			for _, f := range peers {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// learn takes what is known of a connection now, and prints a new one.
func (q *quicFlows) learn(f *quicFlow, known *quic.Connection, e *bpf.QUIC) {
	if known.ClientHello != nil {
		q.keys.claim(known.ClientHello.Random)
	}
	i := slices.IndexFunc(f.conns, func(c *quicConn) bool { return c.is(known) })
	if i >= 0 {
		f.conns[i].learn(known)
		return
	}
	c := &quicConn{connInfo: connInfo{
		since: known.Since,
		meta:  export.Meta{PID: e.PID, Comm: e.Comm, Conn: q.counts.number()},
		event: export.Conn{
			Local: e.Local, Remote: e.Remote, Role: f.role, Protocol: export.ProtocolQUIC,
			Joined: export.JoinedStart, Source: export.SourceWire, Reason: notOpenedQUIC,
		},
	}}
	if f.role == decoder.Client {
		q.resolver.resolved(&c.event, e.PID, known.Since)
	}
	c.learn(known)
	q.held -= f.weight()
	f.conns = append(f.conns, c)
	q.held += f.weight()
	q.shared.spoke[e.PID] = true
	q.shared.events.Conn(c.at(c.since), &c.event, export.ConnOpen{})
}

// released takes that a socket is closed.
func (q *quicFlows) released(e *bpf.Released) error {
	return q.endFlows(slices.Collect(maps.Values(q.open[e.Socket])), e.Time)
}

// endFlows ends flows, in the order in which they began.
func (q *quicFlows) endFlows(list []*quicFlow, at ktime.Time) error {
	slices.SortFunc(list, byBegin)
	var err error
	for _, f := range list {
		err = errors.Join(err, q.end(f, at))
	}
	return err
}

func byBegin(a, b *quicFlow) int {
	return cmp.Or(cmp.Compare(a.since, b.since), a.id.Remote.Compare(b.id.Remote))
}

// end prints the close events of a flow, and forgets it.
func (q *quicFlows) end(f *quicFlow, at ktime.Time) error {
	n, ok, err := q.kernel.CountQUIC(f.id)
	for _, c := range f.conns {
		var e export.ConnClose
		if ok && len(f.conns) == 1 {
			e.BytesSent, e.BytesReceived = &n.Bytes[bpf.Send], &n.Bytes[bpf.Recv]
			e.DatagramsSent, e.DatagramsReceived = &n.Datagrams[bpf.Send], &n.Datagrams[bpf.Recv]
		}
		q.shared.events.Conn(c.at(at), &c.event, e)
	}
	q.stop(f)
	q.held -= f.weight()
	peers := q.open[f.id.Socket]
	delete(peers, f.id.Remote)
	if len(peers) == 0 {
		delete(q.open, f.id.Socket)
	}
	return errors.Join(err, q.kernel.ForgetQUIC(f.id))
}

// expire ends the flows on which nothing goes. The kernel's entries of which no packet
// came are of lost records. It has none of flows for which it had no room.
func (q *quicFlows) expire(now ktime.Time) error {
	if now < q.next {
		return nil
	}
	q.next = now.Add(quicLook)
	list, err := q.kernel.ListQUIC()
	if err != nil {
		return err
	}
	strangers := make(map[bpf.QUICFlow]bool)
	for id := range list {
		switch {
		case q.open[id.Socket][id.Remote] != nil:
		case q.strangers[id]:
			err = errors.Join(err, q.kernel.ForgetQUIC(id))
		default:
			strangers[id] = true
		}
	}
	q.strangers = strangers
	var over []*quicFlow
	for f := range q.flows() {
		n := list[f.id]
		if n != f.counted {
			f.counted, f.idle = n, 0
		} else if f.idle++; f.idle >= quicIdle {
			over = append(over, f)
		}
	}
	return errors.Join(err, q.endFlows(over, now))
}

// endAll ends all flows at the end of the observation.
func (q *quicFlows) endAll(at ktime.Time) error {
	return q.endFlows(slices.Collect(q.flows()), at)
}
