package flow

import (
	"cmp"
	"container/list"
	"errors"
	"io"
	"net/netip"

	"h2trace/decoder"
	"h2trace/decoder/capture"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tcp"
	"h2trace/decoder/tls"
)

const (
	defaultMemory   = 64 << 20
	defaultMaxConns = 4096
)

// Config configures a Table.
type Config struct {
	// Open is called for each connection with the first bytes that it carries. It
	// returns what is to be called for what these hold.
	Open func(c *Conn) Hooks
	// BodyBytes is the number of bytes of each DATA payload in decoder.Frame.Body.
	// Without them, bulk over TLS 1.3 is verified and not decrypted.
	BodyBytes int
	// Memory bounds the bytes that wait in all connections together: segments out of
	// order, ciphertext, incomplete frames, open exchanges. Each may have a quarter. 0 is
	// 64 MiB. Session secrets take up to 40 MB more.
	Memory int64
	// MaxConns bounds the connections that are followed at once, of some 20 kB each. For
	// more, the one that was silent for the longest is dropped. 0 is 4096.
	MaxConns int
}

// Counts says what became of packets.
type Counts struct {
	Packets   uint64
	OtherLink uint64 // of a link type that is not understood
	NotTCP    uint64
	Fragments uint64 // of IP
	Short     uint64 // whose headers are cut or damaged
	Cut       uint64 // whose payload was captured in part
	Dropped   uint64 // connections that were given up, as there were too many
	// Lost counts the packets that the capturing program says it lost.
	Lost uint64
}

// Table follows the connections of a capture. It is not safe for concurrent use.
type Table struct {
	cfg    Config
	counts Counts
	now    ktime.Time // of the latest packet

	conns  map[key]*list.Element
	recent *list.List // of *Conn, the most recent first

	keys     tls.KeyLog
	byRandom map[[32]byte][]*layer // those with such a ClientHello

	waiting []*Conn    // with bytes that wait for those that they answer
	next    ktime.Time // when to look at these

	segments   *tcp.Budget
	ciphertext *tls.Budget
	sessions   *tls.Sessions
	frames     *decoder.Budget
	exchanges  *exchange.Budget
}

// key identifies a connection by its endpoints, the lower one first.
type key struct{ low, high netip.AddrPort }

func keyOf(s *capture.Segment) key {
	if s.Source.Compare(s.Dest) < 0 {
		return key{s.Source, s.Dest}
	}
	return key{s.Dest, s.Source}
}

// New returns an empty Table.
func New(cfg Config) *Table {
	cfg.MaxConns = cmp.Or(cfg.MaxConns, defaultMaxConns)
	share := cmp.Or(cfg.Memory, defaultMemory) / 4
	return &Table{
		cfg: cfg, conns: make(map[key]*list.Element), recent: list.New(), byRandom: make(map[[32]byte][]*layer),
		segments: tcp.NewBudget(int(share)), ciphertext: tls.NewBudget(int(share)), sessions: tls.NewSessions(),
		frames: decoder.NewBudget(share), exchanges: exchange.NewBudget(share),
	}
}

// Counts returns the counts so far.
func (t *Table) Counts() Counts { return t.counts }

// Read takes the packets and secrets of a capture file, pcap or pcapng, up to its end.
// Connections go on in the next file. The error is that of package capture or of reading:
// capture.ErrFormat, io.ErrUnexpectedEOF where the file ends within a packet, or a
// *capture.DamagedError. What came before it is decoded.
func (t *Table) Read(r io.Reader) error {
	file, err := capture.NewReader(r)
	if err != nil {
		return err
	}
	defer func() { t.counts.Lost += file.Dropped }()
	for {
		item, err := file.Next()
		switch item := item.(type) {
		case *capture.Packet:
			t.Packet(item)
		case *capture.Secrets:
			if _, err := t.KeyLog(item.Reader()); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// KeyLog takes session secrets in the format of a key log file (RFC 9850), and returns how
// many there were. They open what comes after them, and ciphertext that waits for them:
// give them before the packets.
func (t *Table) KeyLog(r io.Reader) (n int, err error) {
	return tls.ReadKeyLog(r, func(label string, random [32]byte, secret []byte) {
		t.keys.Add(label, random, secret)
		for _, l := range t.byRandom[random] {
			l.tls.Secret(label, random, secret)
			l.decrypt()
		}
	})
}

// Packet takes the next packet, and does not keep its data. It calls the Hooks of its
// connection.
func (t *Table) Packet(p *capture.Packet) {
	t.counts.Packets++
	var s capture.Segment
	switch outcome := s.Dissect(p); {
	case outcome == capture.OtherLink:
		t.counts.OtherLink++
		return
	case outcome == capture.Fragment:
		t.counts.Fragments++
		return
	case outcome == capture.Short:
		t.counts.Short++
		return
	case outcome != capture.Taken, !s.TCP:
		t.counts.NotTCP++
		return
	}
	if len(s.Payload) < s.Length {
		t.counts.Cut++
	}
	at := p.Time
	if at == 0 { // it has none
		at = max(t.now, 1)
	}
	t.now = at
	if c := t.connOf(&s); c != nil {
		c.segment(at, &s)
	}
	t.expire(at)
}

// expire gives up on bytes that connections wait for, also on those that are silent since.
func (t *Table) expire(now ktime.Time) {
	early := now < t.next && t.next < now.Add(ackGrace)
	if len(t.waiting) == 0 || early && len(t.waiting) < 2*t.cfg.MaxConns { // some are over
		return
	}
	t.next = now.Add(ackGrace / 2)
	list := t.waiting
	t.waiting = t.waiting[:0]
	for _, c := range list {
		if c.waits = false; !c.over {
			c.giveUp(now) // which enters it again
		}
	}
	clear(list[len(t.waiting):])
}

// connOf returns the connection of a segment, nil if that begins none.
func (t *Table) connOf(s *capture.Segment) *Conn {
	k := keyOf(s)
	if e := t.conns[k]; e != nil {
		c := e.Value.(*Conn)
		if !c.isAnother(s) {
			t.recent.MoveToFront(e)
			return c
		}
		t.drop(e)
	}
	if s.Flags&(capture.RST|capture.FIN) != 0 && s.Length == 0 {
		return nil
	}
	if len(t.conns) >= t.cfg.MaxConns {
		oldest := t.recent.Back()
		if !oldest.Value.(*Conn).over {
			t.counts.Dropped++
		}
		t.drop(oldest)
	}
	c := newConn(t, s)
	t.conns[k] = t.recent.PushFront(c)
	return c
}

// drop ends a connection that goes on for nobody.
func (t *Table) drop(e *list.Element) {
	c := e.Value.(*Conn)
	c.end(exchange.NotEnded)
	t.recent.Remove(e)
	delete(t.conns, c.key)
}

// Close ends the connections that are open, and zeroes the secrets. Nothing may be given to
// the Table after it.
func (t *Table) Close() {
	for e := t.recent.Back(); e != nil; e = t.recent.Back() {
		t.drop(e)
	}
	t.keys.Wipe()
	t.sessions.Wipe()
}
