package flows

import (
	"net/netip"
	"time"

	"h2trace/bpf"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

const (
	// maxFlows bounds the connections that are followed, and maxOpen those of them that the
	// engine decodes. Beyond them, the ones that were silent for the longest are dropped.
	maxFlows = 1 << 16
	maxOpen  = 1 << 12
	// maxHosts bounds the hosts that are told apart.
	maxHosts = 1 << 16
	// dnsPort is that of name servers (RFC 1035 §4.2).
	dnsPort = 53
)

// Engine takes records. A record is valid until Take returns.
type Engine interface {
	Take(bpf.Event) error
}

// Table follows the connections of a capture. It is not safe for concurrent use.
type Table struct {
	engine Engine
	flows  generations[key, *flow]
	open   generations[uint64, *flow] // those of them that the engine decodes, by number
	last   uint64                     // number of the newest flow
	hosts  map[netip.Addr]int
	procs  map[string]process // by interface
	quic   quicTable
	ledger bpf.Ledger
	now    ktime.Time
	// waiting counts the bytes that wait for the first ones of their flows.
	waiting int
	closing []endingFlow // by time
	// owing are the flows of which acknowledged bytes are missing, and nextOwing is when to look
	// at them.
	owing     []*flow
	nextOwing ktime.Time
	Counts    Counts

	segment  bpf.Segment
	datagram bpf.DNS
	initial  bpf.QUIC
}

// Counts says what became of packets.
type Counts struct {
	Packets     uint64
	OtherLink   uint64 // with a link type that is not understood
	Fragments   uint64
	Short       uint64 // with headers that are cut or damaged
	Cut         uint64 // with a payload that is
	Dropped     uint64 // connections that were given up, as there were too many
	First, Last ktime.Time
}

// New returns a Table for an engine.
func New(e Engine) *Table {
	t := &Table{engine: e, hosts: make(map[netip.Addr]int), procs: make(map[string]process), quic: newQUICTable()}
	t.flows = newGenerations[key, *flow](maxFlows)
	t.open = newGenerations[uint64, *flow](maxOpen)
	return t
}

// Packet takes the next packet. The error is that of the engine.
func (t *Table) Packet(p *capture.Packet) error {
	if err := t.packet(p); err != nil {
		return err
	}
	return t.giveUpSilent()
}

func (t *Table) packet(p *capture.Packet) error {
	t.Counts.Packets++
	at := t.clock(p.Time)
	if err := t.endFlows(false); err != nil {
		return err
	}
	var s capture.Segment
	switch s.Dissect(p) {
	case capture.Taken:
	case capture.OtherLink:
		t.Counts.OtherLink++
		return nil
	case capture.Fragment:
		t.Counts.Fragments++
		return nil
	case capture.Short:
		t.Counts.Short++
		return nil
	default:
		return nil
	}
	if len(s.Payload) < s.Length {
		t.Counts.Cut++
	}
	switch isDNS := s.Source.Port() == dnsPort || s.Dest.Port() == dnsPort; {
	case isDNS:
		return t.dns(at, p, &s)
	case s.TCP:
		return t.tcp(at, p, &s)
	}
	return t.udp(at, p, &s)
}

// maxBack is how far packets of several interfaces may be from their order. Beyond that, the clock
// of the capturing host was set back.
const maxBack = 10 * time.Second

// clock takes the time of a packet, and returns it. One without has that of the packet before, the
// first one the least time.
func (t *Table) clock(at ktime.Time) ktime.Time {
	if at == 0 {
		t.now = max(t.now, 1)
		return t.now
	}
	if t.Counts.First == 0 {
		t.Counts.First = at
	}
	t.Counts.First, t.Counts.Last = min(t.Counts.First, at), max(t.Counts.Last, at)
	if at.Add(maxBack) < t.now {
		t.now = at
	}
	t.now = max(t.now, at)
	return at
}

// Shed drops the connections that were silent since the last call, or since many others began.
func (t *Table) Shed() error { return t.abandonNumbered(t.now, t.open.shed()) }

// Now returns the time of the latest packet. It goes back where the clock was set back.
func (t *Table) Now() ktime.Time { return t.now }

// key identifies a flow. Where the direction of a packet is known, local is an address of the
// host that captured it: a connection inside of that host is two. Else it is the lower one.
type key struct {
	local, remote netip.AddrPort
	oriented      bool
}

func keyOf(p *capture.Packet, s *capture.Segment) key {
	switch {
	case p.Direction == capture.Outbound:
		return key{s.Source, s.Dest, true}
	case p.Direction == capture.Inbound:
		return key{s.Dest, s.Source, true}
	case s.Source.Compare(s.Dest) < 0:
		return key{s.Source, s.Dest, false}
	}
	return key{s.Dest, s.Source, false}
}

// host returns a number for an address that is no process: less than 0.
func (t *Table) host(a netip.Addr) int {
	n, ok := t.hosts[a]
	if !ok {
		if len(t.hosts) == maxHosts {
			return -1
		}
		n = -2 - len(t.hosts)
		t.hosts[a] = n
	}
	return n
}

// dns reports a packet of a name server or to one.
func (t *Table) dns(at ktime.Time, p *capture.Packet, s *capture.Segment) error {
	if s.Length == 0 {
		return nil
	}
	d := &t.datagram
	*d = bpf.DNS{Head: bpf.Head{Time: at}, Packet: packetOf(s, s.Dest.Port() == dnsPort)}
	d.PID, d.Comm = t.processOf(p, d.Local)
	d.Socket = socketOf(d.Local)
	t.ledger.SeenRecords++
	return t.engine.Take(d)
}

// packetOf returns a packet that its local host sent or received.
func packetOf(s *capture.Segment, sent bool) bpf.Packet {
	p := bpf.Packet{
		Dir: bpf.Recv, Local: s.Dest, Remote: s.Source, TCP: s.TCP, Seq: s.Seq,
		Length: s.Length, Payload: s.Payload,
	}
	if sent {
		p.Dir, p.Local, p.Remote = bpf.Send, s.Source, s.Dest
	}
	return p
}
