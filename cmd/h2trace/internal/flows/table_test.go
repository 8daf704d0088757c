package flows

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/testkit/wiretap"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
)

const (
	syn  = wiretap.SYN
	ack  = wiretap.ACK
	fin  = wiretap.FIN
	rst  = wiretap.RST
	noon = ktime.Time(1_767_355_200_000_000_000)
	ms   = ktime.Time(1_000_000)
)

var (
	client = netip.MustParseAddrPort("192.0.2.7:40001")
	server = netip.MustParseAddrPort("203.0.113.5:80")
)

// step is a segment of a connection, some time after the first one.
type step struct {
	at       ktime.Time
	answer   bool // of the server
	id       uint16
	flags    uint8
	seq, ack uint32
	payload  string
}

// taken is what an engine gets.
type taken struct {
	conn    uint64
	text    string // "open", "close", or the payload
	dir     int
	offset  uint64
	missing uint32 // records lost so far
}

// recorder is an Engine that keeps what it gets.
type recorder struct {
	records []taken
	opens   []bpf.Open
	closes  []bpf.Close
	lost    [2]uint64 // bytes, as the segments say
}

func (r *recorder) Take(e bpf.Event) error {
	switch e := e.(type) {
	case *bpf.Open:
		r.opens = append(r.opens, *e)
		r.records = append(r.records, taken{conn: e.Conn, text: "open"})
	case *bpf.Close:
		r.closes = append(r.closes, *e)
		r.records = append(r.records, taken{conn: e.Conn, text: "close"})
	case *bpf.Segment:
		r.records = append(r.records, taken{e.Conn, string(e.Payload), e.Dir, e.Offset, e.LostRecords})
		r.lost[e.Dir] = e.LostBytes
	case *bpf.Abandoned:
		r.records = append(r.records, taken{conn: e.Conn, text: "abandoned"})
	}
	return nil
}

// stream returns the bytes of a direction in the order of their offsets. What is missing is "?".
func (r *recorder) stream(conn uint64, dir int) string {
	var b []byte
	for _, s := range r.records {
		if s.conn != conn || s.dir != dir || s.text == "open" || s.text == "close" || s.text == "abandoned" {
			continue
		}
		end := int(s.offset) + len(s.text)
		if end > 1<<20 {
			return "offset " + s.text
		}
		if len(b) < end {
			b = append(b, missing(uint32(end-len(b)))...)
		}
		copy(b[s.offset:], s.text)
	}
	return string(b)
}

// missing stands for bytes that were reported as lost.
func missing(n uint32) string { return strings.Repeat("?", int(n)) }

func packet(s step) *capture.Packet {
	p := wiretap.Packet{Source: client, Dest: server, Seq: s.seq, Ack: s.ack, Flags: s.flags, Payload: []byte(s.payload)}
	if s.answer {
		p.Source, p.Dest = server, client
	}
	f := &wiretap.Framings[0]
	b := f.Bytes(&p)
	binary.BigEndian.PutUint16(b[18:], s.id) // after Ethernet; the checksum is not looked at
	return &capture.Packet{Time: max(noon+s.at, 0), Link: capture.LinkType(f.Link), Data: b, Length: len(b)}
}

// follow gives a Table segments.
func follow(t *testing.T, steps ...step) (*Table, *recorder) {
	t.Helper()
	r := &recorder{}
	table := New(r)
	for _, s := range steps {
		if err := table.Packet(packet(s)); err != nil {
			t.Fatal(err)
		}
	}
	return table, r
}

const (
	question = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	answer   = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	q        = uint32(len(question))
	a        = uint32(len(answer))
)

// opening is the handshake; the client's first byte is 1001, the server's 5001.
func opening() []step {
	return []step{
		{flags: syn, seq: 1000}, {at: ms, answer: true, flags: syn | ack, seq: 5000, ack: 1001}, {at: 2 * ms, flags: ack, seq: 1001, ack: 5001},
	}
}

// text returns the streams of a connection, as "sent|received".
func (r *recorder) text(i int) string {
	conn := r.opens[i].Conn
	return r.stream(conn, bpf.Send) + "|" + r.stream(conn, bpf.Recv)
}

// TestTable has connections as networks and captures spoil them: what the engine gets of their
// bytes, and how many of them are reported as lost.
func TestTable(t *testing.T) {
	asked := step{at: 3 * ms, flags: ack, seq: 1001, ack: 5001, payload: question}
	answered := step{at: 4 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer}
	for _, c := range []struct {
		name      string
		steps     []step
		want      []string
		closes    int
		lostBytes uint64
	}{
		{"whole", append(opening(), asked, answered,
			step{at: 5 * ms, answer: true, flags: ack | fin, seq: 5001 + a, ack: 1001 + q},
			step{at: 6 * ms, flags: ack | fin, seq: 1001 + q, ack: 5002 + a},
			step{at: 7 * ms, answer: true, flags: ack, seq: 5002 + a, ack: 1002 + q},
		), []string{question + "|" + answer}, 1, 0},
		{"TCP Fast Open", []step{
			{flags: syn, seq: 1000, payload: question},
			{at: ms, answer: true, flags: syn | ack, seq: 5000, ack: 1001 + q},
			{at: 2 * ms, flags: ack, seq: 1001 + q, ack: 5001},
			{at: 100 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer},
			{at: 200 * ms, flags: ack, seq: 1001 + q, ack: 5001 + a},
		}, []string{question + "|" + answer}, 0, 0},
		{"TCP Fast Open that the server refuses", []step{
			{flags: syn, seq: 1000, payload: question},
			{at: ms, answer: true, flags: syn | ack, seq: 5000, ack: 1001},
			{at: 2 * ms, flags: ack, seq: 1001, ack: 5001, payload: question},
			answered,
		}, []string{question + "|" + answer}, 0, 0},
		{"the end of the answer is missing", append(opening(), asked,
			step{at: 4 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer[:10]},
			step{at: 5 * ms, answer: true, flags: ack | fin, seq: 5001 + a, ack: 1001 + q},
			step{at: 6 * ms, flags: ack | fin, seq: 1001 + q, ack: 5002 + a},
			step{at: 7 * ms, answer: true, flags: ack, seq: 5002 + a, ack: 1002 + q},
		), []string{question + "|" + answer[:10] + missing(a-10)}, 1, uint64(a - 10)},
		{"the end of the answer is missing, before a RST", append(opening(), asked,
			step{at: 4 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer[:10]},
			step{at: 6 * ms, flags: ack | rst, seq: 1001 + q, ack: 5001 + a},
		), []string{question + "|" + answer[:10] + missing(a-10)}, 1, uint64(a - 10)},
		{"the end of the answer is missing, and that of the capture, too", append(opening(), asked,
			step{at: 4 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer[:10]},
			step{at: 6 * ms, flags: ack, seq: 1001 + q, ack: 5001 + a},
		), []string{question + "|" + answer[:10] + missing(a-10)}, 0, uint64(a - 10)},
		{"the last FIN overtakes the answer", append(opening(),
			step{at: 3 * ms, flags: ack | fin, seq: 1001, ack: 5001, payload: question},
			step{at: 4 * ms, answer: true, flags: ack, seq: 5001, ack: 1002 + q, payload: answer[:10]},
			step{at: 5 * ms, answer: true, flags: ack | fin, seq: 5001 + a, ack: 1002 + q},
			step{at: 6 * ms, answer: true, flags: ack, seq: 5011, ack: 1002 + q, payload: answer[10:]},
			step{at: 7 * ms, flags: ack, seq: 1002 + q, ack: 5002 + a},
		), []string{question + "|" + answer}, 1, 0},
		{"only the server is captured, and the ports are used again", []step{
			{at: ms, answer: true, flags: syn | ack, seq: 5000, ack: 1001},
			{at: 3 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer},
			{at: 4 * ms, answer: true, flags: ack | fin, seq: 5001 + a, ack: 1001 + q},
			{at: 5000 * ms, answer: true, flags: syn | ack, seq: 905000, ack: 91001},
			{at: 5003 * ms, answer: true, flags: ack, seq: 905001, ack: 91001 + q, payload: answer},
		}, []string{missing(q) + "|" + answer, missing(q) + "|" + answer}, 1, 2 * uint64(q)},
		{"the ports are used again, and the SYN is missing", append(opening(), asked,
			step{at: 4 * ms, answer: true, flags: rst, seq: 5001},
			step{at: 5000 * ms, flags: ack, seq: 1<<31 + 1001, ack: 1 << 30, payload: question},
			step{at: 5001 * ms, answer: true, flags: ack, seq: 1 << 30, ack: 1<<31 + 1001 + q, payload: answer},
		), []string{question + "|", question + "|" + answer}, 1, 0},
		{"a RST that the client ignores", append(opening(), asked,
			step{at: 4 * ms, answer: true, flags: rst, seq: 77777777}, answered,
		), []string{question + "|" + answer}, 0, 0},
		{"an acknowledgment of what was not sent", append(opening(),
			step{at: 3 * ms, flags: ack, seq: 1001, ack: 5001 + 1<<20, payload: question},
			step{at: 100 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer},
			step{at: 101 * ms, answer: true, flags: ack, seq: 5001 + a, ack: 1001 + q, payload: answer},
		), []string{question + "|" + answer + answer}, 0, 0},
		{"the clock is set back by an hour", append(opening(),
			step{at: 3600_000 * ms, flags: ack, seq: 1001, ack: 5001, payload: question},
			step{at: 4 * ms, answer: true, flags: ack, seq: 5001, ack: 1001 + q, payload: answer[:10]},
			step{at: 5 * ms, answer: true, flags: ack, seq: 5021, ack: 1001 + q, payload: answer[20:]},
			step{at: 6 * ms, flags: ack, seq: 1001 + q, ack: 5001 + a},
			step{at: 60 * ms, flags: ack, seq: 1001 + q, ack: 5001 + a},
		), []string{question + "|" + answer[:10] + missing(10) + answer[20:]}, 0, 10},
		{"no times", []step{
			{at: -noon, flags: syn, seq: 1000},
			{at: -noon, answer: true, flags: syn | ack, seq: 5000, ack: 1001},
			{at: -noon, flags: ack, seq: 1001, ack: 5001, payload: question},
			{at: -noon, answer: true, flags: ack | fin, seq: 5001, ack: 1001 + q, payload: answer},
			{at: -noon, flags: ack | fin, seq: 1001 + q, ack: 5002 + a},
		}, []string{question + "|" + answer}, 1, 0},
		{"the first segment comes late", append(opening(),
			step{at: 3 * ms, flags: ack, seq: 1005, ack: 5001, payload: question[4:]},
			step{at: 4 * ms, flags: ack, seq: 1001, ack: 5001, payload: question[:4]}, answered,
		), []string{question + "|" + answer}, 0, 0},
		{"the first segment does not come", append(opening(),
			step{at: 3 * ms, flags: ack, seq: 1101, ack: 5001, payload: question},
			step{at: 4 * ms, flags: ack, seq: 1101 + q, ack: 5001, payload: question},
			step{at: 3000 * ms, flags: ack, seq: 1101 + 2*q, ack: 5001, payload: question},
		), []string{question + question + question + "|"}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, r := follow(t, c.steps...)
			if err := table.Finish(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range r.opens {
				got = append(got, r.text(i))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var lost uint64
			for _, n := range table.ledger.LostBytes {
				lost += n
			}
			if len(r.closes) != c.closes || lost != c.lostBytes {
				t.Errorf("%d closes, %d bytes lost; want %d, %d", len(r.closes), lost, c.closes, c.lostBytes)
			}
			if delivered := uint64(len(r.records)); table.ledger.SeenRecords != delivered+table.ledger.Lost() {
				t.Errorf("%d records seen, %d delivered, %d lost", table.ledger.SeenRecords, delivered, table.ledger.Lost())
			}
		})
	}
}

// TestPath has the counts of segments.
func TestPath(t *testing.T) {
	reset := step{at: 500 * ms, answer: true, flags: rst, seq: 5001, ack: 1001 + q}
	for _, c := range []struct {
		name                    string
		steps                   []step
		retransmits, outOfOrder uint32
	}{
		{"the second segment first", []step{
			{at: 3 * ms, flags: ack, seq: 1005, ack: 5001, payload: question[4:]},
			{at: 4 * ms, flags: ack, seq: 1001, ack: 5001, payload: question[:4]},
		}, 0, 0},
		{"sent again", []step{
			{at: 3 * ms, flags: ack, seq: 1001, ack: 5001, payload: question},
			{at: 203 * ms, flags: ack, seq: 1001, ack: 5001, payload: question},
		}, 1, 0},
		{"sent again, with another number", []step{
			{at: 3 * ms, id: 7, flags: ack, seq: 1001, ack: 5001, payload: question},
			{at: 3 * ms, id: 8, flags: ack, seq: 1001, ack: 5001, payload: question},
		}, 1, 0},
		{"captured twice", []step{
			{at: 3 * ms, flags: ack, seq: 1001, ack: 5001, payload: question},
			{at: 3*ms + 20, flags: ack, seq: 1001, ack: 5001, payload: question},
		}, 0, 0},
		{"captured twice, with a number", []step{
			{at: 3 * ms, id: 7, flags: ack, seq: 1001, ack: 5001, payload: question},
			{at: 13 * ms, id: 7, flags: ack, seq: 1001, ack: 5001, payload: question},
		}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, r := follow(t, append(append(opening(), c.steps...), reset)...)
			if p := r.closes[0].Path; p.Retransmits != c.retransmits || p.OutOfOrder != c.outOfOrder {
				t.Errorf("%d retransmissions, %d out of order", p.Retransmits, p.OutOfOrder)
			}
		})
	}
}

// TestCutTwice has a packet that is captured in part, and sent again. Its bytes are lost once.
func TestCutTwice(t *testing.T) {
	r := &recorder{}
	table := New(r)
	for _, s := range append(opening(), step{flags: ack, seq: 1001, ack: 5001, payload: question}, step{flags: ack, seq: 1001, ack: 5001, payload: question}) {
		p := packet(s)
		p.Data = p.Data[:min(len(p.Data), 70)]
		if err := table.Packet(p); err != nil {
			t.Fatal(err)
		}
	}
	if want := uint64(q) - (70 - 54); table.ledger.LostBytes[bpf.Truncated] != want {
		t.Errorf("%d bytes lost, want %d", table.ledger.LostBytes[bpf.Truncated], want)
	}
}

// TestEndOfServer has a capture begin with a segment that shows who is the server, and ends its
// direction.
func TestEndOfServer(t *testing.T) {
	for range 2 {
		client, server = server, client // the lower address is that of the other one
		_, r := follow(t,
			step{answer: true, flags: ack | fin, seq: 5001, ack: 1001 + q, payload: answer},
			step{at: ms, flags: ack | fin, seq: 1001 + q, ack: 5002 + a},
		)
		if len(r.closes) != 1 || r.closes[0].Ended != bpf.EndedByPeer {
			t.Errorf("%+v", r.closes)
		}
	}
}

// TestBounds has connections that the engine does not decode hold bytes, in numbers that only
// a hostile capture has.
func TestBounds(t *testing.T) {
	large := strings.Repeat("x", 60000)
	for _, c := range []struct {
		name   string
		conns  int
		each   int
		first  string
		others string
		most   int
	}{
		{"before the first byte", 200, 16, "", large, maxWaitingBytes + 200*2000},
		{"another protocol", 200, 300, "\x01\x02", "x", 200 * 2000},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := New(&recorder{})
			before := heap()
			for i := range c.conns {
				send := func(s step) {
					p := packet(s)
					binary.BigEndian.PutUint16(p.Data[36:], uint16(i)) // the destination port
					if err := table.Packet(p); err != nil {
						t.Fatal(err)
					}
				}
				send(step{flags: syn, seq: 1000})
				if c.first != "" {
					send(step{flags: ack, seq: 1001, ack: 1, payload: c.first})
				}
				for k := range c.each {
					send(step{flags: ack, seq: 2000 + 2*uint32(k), ack: 1, payload: c.others})
				}
			}
			if grown := int64(heap()) - int64(before); grown > int64(c.most) {
				t.Errorf("%d bytes for %d connections", grown, c.conns)
			}
			if err := table.Finish(); err != nil {
				t.Fatal(err)
			}
			runtime.KeepAlive(table)
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
