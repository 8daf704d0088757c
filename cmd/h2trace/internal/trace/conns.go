package trace

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/fetchenv"
	"h2trace/cmd/h2trace/internal/verify"
	"h2trace/decoder"
	"h2trace/decoder/http1"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/decoder/tls"
	"h2trace/export"
)

// maxUnfinished bounds the incomplete frames and field blocks of all connections, in
// bytes.
const maxUnfinished = 64 << 20

// maxOverhead bounds what a connection may cost by frames that carry nothing: some tenths of
// a second at once, and then a tenth of a CPU. What it does not decode, the records of other
// connections do not wait for. Captures have no such bound, as nothing is lost meanwhile.
var maxOverhead = decoder.Overhead{Burst: 200_000, PerSecond: 50_000}

// connTable holds the connections that are decoded.
type connTable struct {
	kernel kernel
	printed
	config    decoder.Config
	recovery  *recovery
	resolver  *resolver
	hellos    hellos
	exchanges exchangeBook
	segments  *tcp.Budget // of connections without TLS
	answers   answers
	ciphers   ciphers
	requests  requests
	quic      *quicFlows
	// sourceOf returns where a process fetches from.
	sourceOf func(pid int) *fetchenv.Source
	// named gets the names of connections by the cookie of their socket; nil without --pcap.
	named func(socket uint64, name string)

	byID    map[uint64]*tracedConn
	sockets innermost
	closing closing
	until   ktime.Time // when the observing ended, 0 before
	now     func() ktime.Time
	audit   audit
	lost    func() (uint64, error) // counts the records that the kernel lost so far
	// verifier is nil unless headers are verified.
	verifier *verify.Checker

	counts
}

// counts is what the summary says about all connections.
type counts struct {
	opened    uint64
	inner     uint64 // of them, inside of others
	dismissed uint64 // of them, which did not turn out to be HTTP
	captured  uint64 // bytes of payload
}

// number returns the id of the next connection.
func (n *counts) number() string {
	n.opened++
	return "c" + strconv.FormatUint(n.opened, 10)
}

func newConnTable(k kernel, events *export.JSONL, losses *lossBook, config decoder.Config, recovery *recovery, sourceOf func(pid int) *fetchenv.Source) *connTable {
	t := &connTable{
		kernel:   k,
		printed:  printed{events: events, losses: losses, spoke: make(map[int]bool)},
		config:   config,
		recovery: recovery,
		sourceOf: sourceOf,
		resolver: newResolver(events, sourceOf),
		hellos:   newHellos(),
		closing:  closing{waiters: newWaiters()},
		lost:     lostOf(k),
		segments: tcp.NewBudget(maxSegmentBytes),
		ciphers:  newCiphers(k),
		byID:     make(map[uint64]*tracedConn),
		sockets:  make(innermost),
	}
	t.quic = newQUICFlows(k, &t.printed, t.resolver, &t.counts, &t.ciphers.keys)
	t.exchanges = exchangeBook{events: events, hellos: &t.hellos, budget: http1.NewBudget(openBudget), repeated: t.closing.repeated}
	return t
}

// lostOf returns a function that counts the records lost by the kernel.
func lostOf(k kernel) func() (uint64, error) {
	return func() (uint64, error) {
		ledger, err := k.Ledger()
		return ledger.Lost(), err
	}
}

// open enters a connection. Its open event waits until the protocol is known.
func (t *connTable) open(o *bpf.Open) {
	c := t.byID[o.Conn]
	if c == nil {
		c = t.add(&o.Head, o.Wire)
	}
	if c.opened { // packets of both directions may open it
		return
	}
	c.opened = true
	c.meta.Comm = o.Comm
	c.event.Local, c.event.Remote = o.Local, o.Remote
	if o.Established != 0 {
		c.event.Connect = elapsed(o.ConnectStart, o.Established)
		t.resolver.resolved(&c.event, o.PID, o.ConnectStart)
	}
	if o.Handshake {
		c.event.Joined = export.JoinedStart
	}
	config := t.config
	config.Role = roleOf(o.Role)
	config.FromStart = o.Handshake
	c.event.Role = config.Role
	t.sockets.enter(c)
	if t.named != nil && o.Wire != bpf.WireNone {
		t.named(bpf.SocketOf(o.Conn), c.fullName())
	}
	c.follow(config)
	switch {
	case o.Wire == bpf.WireNone && o.Handshake && t.ciphers.wanted:
		t.ciphers.keys.elsewhere[o.PID]++
	case o.Wire == bpf.WireTLS && t.ciphers.byCalls(o.PID):
		t.leavesToCalls(c)
	case o.Wire == bpf.WireTLS && !o.Handshake && t.ciphers.keys.store != nil: // of a capture
		c.wire.tls.giveUp(o.Time, "its handshake is not in the capture")
	case o.Wire == bpf.WireTLS && !o.Handshake:
		t.joins(c)
	case o.Wire == bpf.WireTLS && t.ciphers.pending(o.PID): // its secret may be missed
		c.wire.tls.AwaitJoin()
	}
	if c.isTLSElsewhere() {
		return
	}
	if c.wire == nil {
		t.hellos.opened(&c.connInfo)
	}
	t.wantTables(c)
	t.recovery.opened(c, o.Ptr)
}

// leavesToCalls takes a TLS connection whose bytes come from calls, which report it. Its
// packets show what the client offers.
func (t *connTable) leavesToCalls(c *tracedConn) {
	c.wire.tls.elsewhere = true
	delete(t.ciphers.awaited.conns, c)
	if c.event.Joined != export.JoinedStart {
		c.hello.Stop()
		c.wantNothing()
	}
	t.requests.left = append(t.requests.left, c.id) // the kernel may want its first tables
}

// wantTables asks for the unknown header tables and windows of a connection.
func (t *connTable) wantTables(c *tracedConn) {
	if c.decoder.TableKnown(decoder.Send) && c.decoder.TableKnown(decoder.Recv) && c.decoder.WindowsKnown() {
		return
	}
	switch spoken := c.decoder.Protocol(); {
	case spoken == decoder.HTTP1 || c.tunnel && spoken != decoder.HTTP2:
		return // there is none, also in what it carries for another one
	case c.event.Joined == export.JoinedStart && spoken != decoder.HTTP2:
		return // not before there is a table
	case c.awaitsKeys() && !c.wire.tls.joining():
		return // nothing of it is opened
	}
	t.recovery.want(c)
}

// get returns the connection of a record. It adds the connection if the open record was
// lost.
func (t *connTable) get(h *bpf.Head, wire bpf.Wire) *tracedConn {
	c := t.byID[h.Conn]
	if c == nil {
		c = t.add(h, wire)
		t.wantTables(c)
	}
	return c
}

// add adds a connection. open completes it.
func (t *connTable) add(h *bpf.Head, wire bpf.Wire) *tracedConn {
	c := &tracedConn{
		connInfo: connInfo{
			since:  h.Time,
			meta:   export.Meta{PID: h.PID, Conn: t.number()},
			event:  export.Conn{Joined: export.JoinedMid, Source: export.SourceWire},
			scheme: "https",
			source: t.sourceOf(h.PID),
		},
		table: t,
		id:    h.Conn,
	}
	c.printer = printer{connInfo: &c.connInfo, shared: &t.printed, fed: &c.feeder}
	c.exchanges = exchangeSink{connInfo: &c.connInfo, book: &t.exchanges}
	switch wire {
	case bpf.WireHTTP:
		c.scheme, c.wire = "http", newWireConn(c, t.segments, nil)
	case bpf.WireTLS:
		c.wire = newWireConn(c, t.segments, newTLSConn(c, tls.New(t.ciphers.budget, t.ciphers.sessions)))
		t.ciphers.awaited.conns[c] = struct{}{}
	default:
		c.event.Source = export.SourceCalls
	}
	c.exchanges.tunnel.wanted = t.ciphers.wanted
	c.follow(t.config)
	if t.verifier != nil && c.wire == nil {
		c.verify = t.verifier.Conn(func(d verify.Difference) { t.events.Verify(c.at(d.Time), difference(&d)) })
	}
	t.byID[h.Conn] = c
	return c
}

func (t *connTable) data(d *bpf.Data) {
	t.captured += uint64(len(d.Payload))
	c := t.get(&d.Head, bpf.WireNone)
	if c.beside != nil {
		c.tell(d)
	}
	c.data(d.Time, d)
}

// close notes the end of a connection, and expire completes it. The kernel closes
// sockets after the end of their process, so a close may follow the exit.
func (t *connTable) close(e *bpf.Close) error {
	c := t.byID[e.Conn]
	if c == nil {
		return t.kernel.Forget(e.Entry())
	}
	first, closed := c, closeReported(c.end)
	exited := c.end != nil && !closed
	for ; c != nil; c = c.inner {
		if c.outer != nil && c.end == nil {
			t.closing.waiters.closed(c)
		}
		c.end = &reportedClose{*e, exited}
		c.exchanges.tracker.Ended(c.endedBy())
	}
	switch {
	case exited:
		t.closing.reported(first)
	case !closed:
		t.closing.add(first)
	}
	return nil
}

// expire ends connections that have lingered long enough, and announces losses
// that no later record shows. All records before now are read.
func (t *connTable) expire(now ktime.Time, idle bool) error {
	t.answers.expire(now)
	t.closing.expire(now)
	t.ciphers.expire(now)
	t.resolver.expire(now)
	err := errors.Join(t.ciphers.joining.tick(now), t.recovery.tick(now, idle), t.quic.expire(now))
	return errors.Join(err, t.audit.run(t, now, idle), t.send())
}

// saw reports whether a connection of a process was understood. One with TLS counts
// even before it is printed.
func (t *connTable) saw(pid int) bool {
	if t.spoke[pid] {
		return true
	}
	for _, c := range t.byID {
		if c.meta.PID == pid && c.scheme == "https" {
			return true
		}
	}
	return false
}

// forget drops what is known about a process that has ended.
func (t *connTable) forget(pid int) {
	delete(t.spoke, pid)
	delete(t.hellos.sent, pid)
	delete(t.ciphers.keys.elsewhere, pid)
}

func bySince(a, b *tracedConn) int { return cmp.Compare(a.since, b.since) }

// endAll completes all connections at the end of the observation, after all records are
// read. An open connection gets no close event.
func (t *connTable) endAll() error {
	states, err := t.kernel.Conns()
	if err != nil {
		return err
	}
	now := t.now()
	t.until = now
	t.resolver.tracker.EndAll()
	t.audit.compare(t, states, now)
	for _, c := range slices.SortedFunc(maps.Values(t.byID), bySince) {
		c.finish()
	}
	t.ciphers.wipe()
	return errors.Join(t.quic.endAll(now), t.send())
}

func roleOf(r bpf.Role) decoder.Role {
	switch r {
	case bpf.RoleClient:
		return decoder.Client
	case bpf.RoleServer:
		return decoder.Server
	}
	return decoder.RoleUnknown
}
