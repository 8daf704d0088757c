// Package wiretap records connections in memory as the packets that would carry them, and writes
// these as captures, also in the ways in which networks spoil them.
package wiretap

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Flags of TCP.
const (
	FIN = 1
	SYN = 2
	RST = 4
	PSH = 8
	ACK = 16
)

// Packet is a TCP segment.
type Packet struct {
	Time         time.Time
	Source, Dest netip.AddrPort
	Seq, Ack     uint32
	Flags        uint8
	Payload      []byte
}

// Tap records connections. It is safe for concurrent use.
type Tap struct {
	mu      sync.Mutex
	mss     int
	now     time.Time
	next    uint16 // port
	packets []Packet
}

// New returns a Tap whose segments hold mss bytes at most. Its clock begins at a fixed time, and
// each packet takes 10 µs.
func New(mss int) *Tap {
	return &Tap{mss: mss, now: time.Date(2026, 1, 2, 3, 4, 5, 6007, time.UTC), next: 40000}
}

// Packets returns what was recorded so far.
func (t *Tap) Packets() []Packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Packet(nil), t.packets...)
}

// Wait lets time pass.
func (t *Tap) Wait(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = t.now.Add(d)
}

// Connect returns the ends of a new connection to a server at an address.
func (t *Tap) Connect(server netip.AddrPort) (client, accepted net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next++
	host := netip.MustParseAddr("192.0.2.7")
	if server.Addr().Is6() {
		host = netip.MustParseAddr("2001:db8::7")
	}
	w := &link{tap: t, ends: [2]netip.AddrPort{netip.AddrPortFrom(host, t.next), server}}
	w.seq = [2]uint32{0xfffffff0, 1_000_000} // the first one overflows soon
	w.put(0, SYN, nil)
	w.put(1, SYN|ACK, nil)
	w.put(0, ACK, nil)
	a, b := net.Pipe()
	return &end{a, w, 0}, &end{b, w, 1}
}

// link is a connection.
type link struct {
	tap   *Tap
	ends  [2]netip.AddrPort
	seq   [2]uint32
	ended [2]bool
}

// put records a segment. The caller has the lock.
func (w *link) put(from int, flags uint8, b []byte) {
	t := w.tap
	t.now = t.now.Add(10 * time.Microsecond)
	p := Packet{Time: t.now, Source: w.ends[from], Dest: w.ends[from^1], Seq: w.seq[from], Flags: flags, Payload: b}
	if flags&ACK != 0 {
		p.Ack = w.seq[from^1]
	}
	w.seq[from] += uint32(len(b))
	if flags&(SYN|FIN) != 0 {
		w.seq[from]++
	}
	t.packets = append(t.packets, p)
}

// end is one end of a connection.
type end struct {
	net.Conn
	link *link
	side int
}

// Write implements net.Conn.
func (e *end) Write(b []byte) (int, error) {
	t := e.link.tap
	t.mu.Lock()
	for rest := append([]byte(nil), b...); len(rest) > 0; {
		n := min(len(rest), t.mss)
		e.link.put(e.side, PSH|ACK, rest[:n:n])
		rest = rest[n:]
	}
	t.mu.Unlock()
	return e.Conn.Write(b)
}

// Close implements net.Conn.
func (e *end) Close() error {
	e.link.tap.mu.Lock()
	if !e.link.ended[e.side] {
		e.link.ended[e.side] = true
		e.link.put(e.side, FIN|ACK, nil)
	}
	e.link.tap.mu.Unlock()
	return e.Conn.Close()
}

// LocalAddr and RemoteAddr implement net.Conn.
func (e *end) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(e.link.ends[e.side]) }
func (e *end) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(e.link.ends[e.side^1]) }

// Listener returns a listener that accepts the connections of the returned dial function.
func (t *Tap) Listener(addr netip.AddrPort) (net.Listener, func() net.Conn) {
	l := &listener{addr: net.TCPAddrFromAddrPort(addr), conns: make(chan net.Conn), done: make(chan struct{})}
	return l, func() net.Conn {
		client, accepted := t.Connect(addr)
		select {
		case l.conns <- accepted:
		case <-l.done:
		}
		return client
	}
}

type listener struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }
