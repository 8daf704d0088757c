//go:build linux

package trace

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	xquic "golang.org/x/net/quic"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/decoder/quic"
	"h2trace/decoder/tcp"
)

// firstFlight returns the datagrams of a QUIC client up to the end of its ClientHello.
func firstFlight(t *testing.T, host string) (list [][]byte) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	client, err := xquic.Listen("udp", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer func() {
		cancel()
		_ = client.Close(ctx)
	}()
	go func() { // until it is canceled
		_, _ = client.Dial(ctx, "udp", socket.LocalAddr().String(), &xquic.Config{TLSConfig: &tls.Config{
			ServerName: host, NextProtos: []string{"h3"}, MinVersion: tls.VersionTLS13,
		}})
	}()
	f := quic.NewFlow(tcp.NewBudget(maxQUICBytes))
	for buf := make([]byte, 2048); ; {
		n, _, err := socket.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, bytes.Clone(buf[:n]))
		if f.Datagram(0, true, buf[:n]) != nil {
			return list
		}
	}
}

// quicTest is a table of connections, and what it prints.
type quicTest struct {
	t     *testing.T
	table *connTable
	out   *bytes.Buffer
	now   ktime.Time
}

func newQUICTest(t *testing.T) *quicTest {
	q := &quicTest{t: t, out: new(bytes.Buffer)}
	q.table = newTestTable(t, q.out)
	q.kernel().quic = make(map[bpf.QUICFlow]bpf.QUICCount)
	return q
}

func (q *quicTest) kernel() *fakeKernel { return q.table.kernel.(*fakeKernel) }

// sees has datagrams of a flow, as one packet each.
func (q *quicTest) sees(dir int, f bpf.QUICFlow, datagrams [][]byte) {
	q.t.Helper()
	for _, b := range datagrams {
		q.now++
		q.must(q.table.quic.packet(&bpf.QUIC{Head: bpf.Head{Time: q.now, PID: 7}, Packet: bpf.Packet{
			Dir: dir, Local: here, Remote: f.Remote, Socket: f.Socket, Length: len(b), Payload: b, Comm: "peer",
		}}))
		n := q.kernel().quic[f]
		n.Bytes[dir], n.Datagrams[dir] = n.Bytes[dir]+uint64(len(b)), n.Datagrams[dir]+1
		q.kernel().quic[f] = n
	}
}

// lines returns the printed events with all of some texts.
func (q *quicTest) lines(texts ...string) (n int) {
	q.t.Helper()
	if err := q.table.events.Flush(); err != nil {
		q.t.Fatal(err)
	}
	for line := range strings.Lines(q.out.String()) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			n++
		}
	}
	return n
}

func (q *quicTest) want(n int, texts ...string) {
	q.t.Helper()
	if got := q.lines(texts...); got != n {
		q.t.Errorf("got %d events with %q, want %d\n%s", got, texts, n, q.out)
	}
}

func (q *quicTest) must(err error) {
	q.t.Helper()
	if err != nil {
		q.t.Fatal(err)
	}
}

// TestQUICRoles has a client and a server, whose sockets are closed.
func TestQUICRoles(t *testing.T) {
	flight := firstFlight(t, "origin.example")
	if len(flight) < 2 {
		t.Errorf("the ClientHello takes %d datagrams, want more", len(flight))
	}
	for role, dir := range map[string]int{"client": bpf.Send, "server": bpf.Recv} {
		q := newQUICTest(t)
		f := bpf.QUICFlow{Socket: 3, Remote: there}
		q.sees(dir, f, flight)
		q.sees(dir, f, flight) // again
		q.want(1, `"action":"open"`, `"role":"`+role+`"`, `"protocol":"quic"`, `"sni":"origin.example"`, `"offered_alpn":["h3"]`,
			`"quic_version":"QUIC v1"`, `"reason":"not decrypted: QUIC is not opened"`, `"remote":"`+there.String()+`"`)
		q.must(q.table.quic.released(&bpf.Released{Head: bpf.Head{Time: 9}, Socket: 4}))
		q.want(0, `"action":"close"`)
		q.must(q.table.quic.released(&bpf.Released{Head: bpf.Head{Time: 9}, Socket: 3}))
		q.want(1, `"action":"close"`, `"sni":"origin.example"`, `"bytes_sent":`, `"datagrams_sent":`)
		q.want(2, "conn")
		if len(q.kernel().quic)+len(q.table.quic.open)+q.table.quic.reading != 0 {
			t.Errorf("%s: something is left: %v, %v", role, q.kernel().quic, q.table.quic.open)
		}
	}
}

// TestQUICShared has two connections between the same addresses: nobody knows which bytes
// are whose.
func TestQUICShared(t *testing.T) {
	q := newQUICTest(t)
	f := bpf.QUICFlow{Socket: 3, Remote: there}
	q.sees(bpf.Send, f, firstFlight(t, "one.example"))
	q.sees(bpf.Send, f, firstFlight(t, "two.example"))
	q.must(q.table.quic.endAll(100))
	q.want(2, `"action":"close"`, `"bytes_sent":null`, `"bytes_received":null`)
	q.want(0, "datagrams_sent")
}

// TestQUICIdle has a flow on which nothing goes any more, also one that the kernel does not
// count, one that goes on, and one of which all records were lost.
func TestQUICIdle(t *testing.T) {
	q := newQUICTest(t)
	quiet, busy := bpf.QUICFlow{Socket: 3, Remote: there}, bpf.QUICFlow{Socket: 5, Remote: there}
	stranger := bpf.QUICFlow{Socket: 6, Remote: there}
	q.sees(bpf.Send, quiet, firstFlight(t, "quiet.example"))
	q.sees(bpf.Send, busy, firstFlight(t, "busy.example"))
	q.kernel().quic[stranger] = bpf.QUICCount{}
	unknown := bpf.QUICFlow{Socket: 7, Remote: there}
	q.sees(bpf.Send, unknown, firstFlight(t, "unknown.example"))
	delete(q.kernel().quic, unknown)
	at := ktime.Time(0).Add(time.Hour)
	for range quicIdle {
		q.must(q.table.quic.expire(at))
		q.want(0, `"action":"close"`)
		at = at.Add(quicLook)
		n := q.kernel().quic[busy]
		n.Bytes[bpf.Recv]++
		q.kernel().quic[busy] = n
	}
	q.must(q.table.quic.expire(at.Add(-quicLook / 2)))
	q.want(0, `"action":"close"`)
	q.must(q.table.quic.expire(at))
	q.want(1, `"action":"close"`, "quiet.example")
	q.want(1, `"action":"close"`, "unknown.example")
	q.want(2, `"action":"close"`)
	if _, ok := q.kernel().quic[stranger]; ok || len(q.kernel().quic) != 1 {
		t.Errorf("the kernel holds %v", q.kernel().quic)
	}
}

// TestQUICNothing has datagrams that only look like QUIC.
func TestQUICNothing(t *testing.T) {
	q := newQUICTest(t)
	b := firstFlight(t, "forged.example")
	for _, d := range b {
		d[len(d)-1] ^= 1
	}
	q.sees(bpf.Send, bpf.QUICFlow{Socket: 3, Remote: there}, b)
	q.must(q.table.quic.endAll(100))
	q.want(0, "")
}

// TestQUICMany has more handshakes than are read at a time, and none twice.
func TestQUICMany(t *testing.T) {
	q := newQUICTest(t)
	flight := firstFlight(t, "many.example")
	first := bpf.QUICFlow{Socket: 3, Remote: there}
	q.sees(bpf.Recv, first, flight)
	for i := range maxQUICHandshakes + 5 {
		f := bpf.QUICFlow{Socket: 3, Remote: netip.AddrPortFrom(there.Addr(), uint16(i+1000))}
		q.sees(bpf.Recv, f, flight[:1])
		if q.table.quic.reading > maxQUICHandshakes {
			t.Fatalf("%d handshakes are read", q.table.quic.reading)
		}
	}
	q.sees(bpf.Recv, first, flight)
	q.want(1, `"action":"open"`)
	q.must(q.table.quic.endAll(1 << 40))
	q.want(1, `"action":"close"`, `"bytes_sent":0`)
}

// TestQUICLost has a flow of which all records were lost, while no other is open.
func TestQUICLost(t *testing.T) {
	q := newQUICTest(t)
	q.kernel().quic[bpf.QUICFlow{Socket: 6, Remote: there}] = bpf.QUICCount{}
	at := ktime.Time(0).Add(time.Hour)
	q.must(q.table.quic.expire(at))
	q.must(q.table.quic.expire(at.Add(quicLook)))
	if n := len(q.kernel().quic); n > 0 {
		t.Errorf("the kernel holds %d flows", n)
	}
}

// TestQUICManyConns has a stranger begin connections, or send what may begin one, from many
// addresses, and many connections from one.
func TestQUICManyConns(t *testing.T) {
	whole := firstFlight(t, "many.example")
	flow := func(i int) bpf.QUICFlow {
		return bpf.QUICFlow{Socket: 3, Remote: netip.AddrPortFrom(there.Addr(), uint16(i+1000))}
	}
	for _, tt := range []struct {
		name      string
		datagrams [][]byte
	}{{"connections", whole}, {"datagrams", whole[:1]}} {
		q := newQUICTest(t)
		for i := range 2 * maxQUICConns {
			q.sees(bpf.Recv, flow(i), tt.datagrams)
			if n := len(q.table.quic.open[3]); n > maxQUICConns || n != q.table.quic.held {
				t.Fatalf("%s: %d flows are held, counted as %d", tt.name, n, q.table.quic.held)
			}
		}
		if n := len(q.kernel().quic); n > maxQUICConns {
			t.Errorf("%s: the kernel holds %d flows", tt.name, n)
		}
		q.must(q.table.quic.endAll(1 << 40))
		if opened := q.lines(`"action":"open"`); opened != q.lines(`"action":"close"`) || len(tt.datagrams) > 1 && opened != 2*maxQUICConns {
			t.Errorf("%s: %d are opened, %d closed", tt.name, opened, q.lines(`"action":"close"`))
		}
		if q.table.quic.held != 0 {
			t.Errorf("%s: %d are held at the end", tt.name, q.table.quic.held)
		}
	}

	q := newQUICTest(t)
	q.sees(bpf.Recv, flow(0), whole)
	f := q.table.quic.open[3][flow(0).Remote]
	e := &bpf.QUIC{Head: bpf.Head{Time: 9, PID: 7}, Packet: bpf.Packet{Dir: bpf.Recv, Local: here, Remote: flow(0).Remote, Socket: 3}}
	for range maxQUICConns - 1 {
		q.table.quic.learn(f, new(quic.Connection), e)
	}
	q.want(0, `"action":"close"`)
	q.sees(bpf.Recv, flow(1), whole)
	q.want(maxQUICConns, `"action":"close"`)
	if q.table.quic.held != 1 {
		t.Errorf("%d are held", q.table.quic.held)
	}
}

// TestQUICStranger has a stranger send a ClientHello of its own, and repeat that of another,
// in the middle of a handshake on the same socket.
func TestQUICStranger(t *testing.T) {
	q := newQUICTest(t)
	own, others := firstFlight(t, "own.example"), firstFlight(t, "stranger.example")
	f := bpf.QUICFlow{Socket: 3, Remote: there}
	stranger := bpf.QUICFlow{Socket: 3, Remote: netip.AddrPortFrom(there.Addr(), there.Port()+1)}
	remote := `"remote":"` + stranger.Remote.String() + `"`
	q.sees(bpf.Recv, f, own[:1])
	q.sees(bpf.Recv, stranger, own[1:])
	q.sees(bpf.Recv, stranger, others)
	q.want(1, `"action":"open"`, "stranger.example", remote)
	q.want(1, `"action":"open"`)
	q.sees(bpf.Recv, f, own[1:])
	q.want(1, `"action":"open"`, "own.example", `"remote":"`+there.String()+`"`)
	q.want(2, `"action":"open"`)
	q.sees(bpf.Recv, stranger, own)
	q.want(1, `"action":"open"`, "own.example", remote)
	q.must(q.table.quic.endAll(100))
	q.want(1, `"action":"close"`, `"remote":"`+there.String()+`"`, `"datagrams_received":`+strconv.Itoa(len(own)))
	q.want(2, `"action":"close"`, `"bytes_received":null`, remote)
}
