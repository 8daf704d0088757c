package dns

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"h2trace/decoder/ktime"
)

// recorder is a Sink that records its calls.
type recorder struct{ got []string }

// Query implements Sink.
func (r *recorder) Query(pid int, l *Lookup, q *Query) {
	r.got = append(r.got, fmt.Sprintf("%d %s %s %q %v %d-%d of %s", pid, q.Name, q.Type, q.RCode, q.Answers, q.Start, q.End, l.Name))
}

// Failed implements Sink.
func (r *recorder) Failed(pid int, l *Lookup) {
	r.got = append(r.got, fmt.Sprintf("%d failed %s %q %d-%d", pid, l.Name, l.RCode, l.Start, l.End))
}

// talk builds packets, with golang.org/x/net/dns/dnsmessage.
type talk struct {
	t       *testing.T
	tracker *Tracker
	*recorder
}

func newTalk(t *testing.T) *talk {
	r := &recorder{}
	return &talk{t, NewTracker(r), r}
}

var (
	host   = netip.MustParseAddrPort("192.0.2.1:40000")
	server = netip.MustParseAddrPort("192.0.2.53:53")
)

const second = 1e9

func (k *talk) send(at ktime.Time, socket uint64, sent bool, m *dnsmessage.Message) {
	k.t.Helper()
	b, err := m.Pack()
	if err != nil {
		k.t.Fatal(err)
	}
	k.tracker.Packet(&Packet{PID: 7, At: at, Sent: sent, Local: host, Remote: server, Socket: socket, Payload: b, Length: len(b)})
}

func question(id uint16, name string, kind dnsmessage.Type) *dnsmessage.Message {
	return &dnsmessage.Message{
		Header: dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{
			{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET},
		},
	}
}

func (k *talk) ask(at ktime.Time, id uint16, name string, kind dnsmessage.Type) {
	k.send(at, uint64(id), true, question(id, name, kind))
}

func (k *talk) answer(at ktime.Time, id uint16, name string, kind dnsmessage.Type, rcode dnsmessage.RCode, addrs ...string) {
	m := question(id, name, kind)
	m.Response, m.RCode = true, rcode
	for _, a := range addrs {
		addr := netip.MustParseAddr(a)
		head := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 60}
		var body dnsmessage.ResourceBody = &dnsmessage.AAAAResource{AAAA: addr.As16()}
		if addr.Is4() {
			body = &dnsmessage.AResource{A: addr.As4()}
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: body})
	}
	k.send(at, uint64(id), false, m)
}

const (
	a    = dnsmessage.TypeA
	aaaa = dnsmessage.TypeAAAA
)

func TestLookups(t *testing.T) {
	for _, tt := range []struct {
		name string
		play func(k *talk)
		want []string
	}{
		{"both families", func(k *talk) {
			k.ask(1, 1, "Proxy.Example.", a)
			k.ask(2, 2, "proxy.example.", aaaa)
			k.answer(5, 2, "proxy.example.", aaaa, dnsmessage.RCodeSuccess)
			k.answer(9, 1, "Proxy.Example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example AAAA "NOERROR" [] 2-5 of proxy.example`,
			`7 proxy.example A "NOERROR" [203.0.113.5] 1-9 of proxy.example`,
		}},
		{"one family after the other", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.answer(2, 1, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.ask(3, 2, "proxy.example.", aaaa)
			k.answer(4, 2, "proxy.example.", aaaa, dnsmessage.RCodeSuccess)
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example A "NOERROR" [203.0.113.5] 1-2 of proxy.example`,
			`7 proxy.example AAAA "NOERROR" [] 3-4 of proxy.example`,
		}},
		{"AAAA first, and A does not exist", func(k *talk) {
			k.ask(1, 1, "proxy.example.", aaaa)
			k.answer(2, 1, "proxy.example.", aaaa, dnsmessage.RCodeSuccess, "2001:db8::5")
			k.ask(3, 2, "proxy.example.", a)
			k.answer(4, 2, "proxy.example.", a, dnsmessage.RCodeNameError)
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example AAAA "NOERROR" [2001:db8::5] 1-2 of proxy.example`,
			`7 proxy.example A "NXDOMAIN" [] 3-4 of proxy.example`,
		}},
		{"one family after the other, with a search list", func(k *talk) {
			k.ask(1, 1, "proxy.example.svc.", a)
			k.answer(2, 1, "proxy.example.svc.", a, dnsmessage.RCodeNameError)
			k.ask(3, 2, "proxy.example.svc.", aaaa)
			k.answer(4, 2, "proxy.example.svc.", aaaa, dnsmessage.RCodeNameError)
			k.ask(5, 3, "proxy.example.", a)
			k.answer(6, 3, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.ask(7, 4, "proxy.example.", aaaa)
			k.answer(8, 4, "proxy.example.", aaaa, dnsmessage.RCodeSuccess)
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example.svc A "NXDOMAIN" [] 1-2 of proxy.example.svc`,
			`7 proxy.example.svc AAAA "NXDOMAIN" [] 3-4 of proxy.example.svc`,
			`7 proxy.example A "NOERROR" [203.0.113.5] 5-6 of proxy.example`,
			`7 proxy.example AAAA "NOERROR" [] 7-8 of proxy.example`,
		}},
		{"a name server that fails for one family is asked again", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.ask(2, 2, "proxy.example.", aaaa)
			k.answer(3, 1, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.answer(4, 2, "proxy.example.", aaaa, dnsmessage.RCodeServerFailure)
			k.ask(5, 3, "proxy.example.", aaaa)
			k.answer(6, 3, "proxy.example.", aaaa, dnsmessage.RCodeServerFailure)
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example A "NOERROR" [203.0.113.5] 1-3 of proxy.example`,
			`7 proxy.example AAAA "SERVFAIL" [] 2-4 of proxy.example`,
			`7 proxy.example AAAA "SERVFAIL" [] 5-6 of proxy.example`,
		}},
		{"the second family has no answer", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.answer(2, 1, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.ask(3, 2, "proxy.example.", aaaa)
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example A "NOERROR" [203.0.113.5] 1-2 of proxy.example`,
			`7 proxy.example AAAA "" [] 3-0 of proxy.example`,
		}},
		{"another lookup of the same name fails", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.answer(2, 1, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.ask(3, 2, "proxy.example.", a)
			k.answer(4, 2, "proxy.example.", a, dnsmessage.RCodeServerFailure)
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example A "NOERROR" [203.0.113.5] 1-2 of proxy.example`,
			`7 proxy.example A "SERVFAIL" [] 3-4 of proxy.example`,
			`7 failed proxy.example "SERVFAIL" 3-4`,
		}},
		{"much later", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.answer(2, 1, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.ask(3*second, 2, "proxy.example.", aaaa)
			k.answer(3*second+1, 2, "proxy.example.", aaaa, dnsmessage.RCodeNameError)
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example A "NOERROR" [203.0.113.5] 1-2 of proxy.example`,
			`7 proxy.example AAAA "NXDOMAIN" [] 3000000000-3000000001 of proxy.example`,
			`7 failed proxy.example "NXDOMAIN" 3000000000-3000000001`,
		}},
		{"search list", func(k *talk) {
			k.ask(1, 1, "proxy.example.svc.cluster.local.", a)
			k.answer(2, 1, "proxy.example.svc.cluster.local.", a, dnsmessage.RCodeNameError)
			k.ask(3, 2, "proxy.example.cluster.local.", a)
			k.answer(4, 2, "proxy.example.cluster.local.", a, dnsmessage.RCodeNameError)
			k.ask(5, 3, "proxy.example.", a)
			k.answer(6, 3, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example.svc.cluster.local A "NXDOMAIN" [] 1-2 of proxy.example.svc.cluster.local`,
			`7 proxy.example.cluster.local A "NXDOMAIN" [] 3-4 of proxy.example`,
			`7 proxy.example A "NOERROR" [203.0.113.5] 5-6 of proxy.example`,
		}},
		{"two names at once", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.ask(2, 2, "proxy.example.com.", a)
			k.answer(3, 1, "proxy.example.", a, dnsmessage.RCodeNameError)
			k.answer(4, 2, "proxy.example.com.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
			k.tracker.EndAll()
		}, []string{
			`7 proxy.example A "NXDOMAIN" [] 1-3 of proxy.example`,
			`7 proxy.example.com A "NOERROR" [203.0.113.5] 2-4 of proxy.example.com`,
			`7 failed proxy.example "NXDOMAIN" 1-3`,
		}},
		{"fails", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.answer(2, 1, "proxy.example.", a, dnsmessage.RCodeServerFailure)
			k.tracker.Expire(second)
			k.tracker.Expire(second + 2)
		}, []string{
			`7 proxy.example A "SERVFAIL" [] 1-2 of proxy.example`,
			`7 failed proxy.example "SERVFAIL" 1-2`,
		}},
		{"asked again", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.ask(5*second, 2, "proxy.example.", a)
			k.answer(5*second+1, 2, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
		}, []string{
			`7 proxy.example A "NOERROR" [203.0.113.5] 5000000000-5000000001 of proxy.example`,
			`7 proxy.example A "" [] 1-0 of proxy.example`,
		}},
		{"no answer", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			k.tracker.Expire(29 * second)
			k.tracker.Expire(31 * second)
		}, []string{
			`7 proxy.example A "" [] 1-0 of proxy.example`,
			`7 failed proxy.example "" 1-1`,
		}},
		{"an answer to another socket", func(k *talk) {
			k.ask(1, 1, "proxy.example.", a)
			m := question(1, "proxy.example.", a)
			m.Response = true
			k.send(2, 9, false, m)
			k.tracker.End(7)
		}, []string{
			`7 proxy.example A "" [] 1-0 of proxy.example`,
			`7 failed proxy.example "" 1-1`,
		}},
		{"not an address", func(k *talk) {
			k.ask(1, 1, "_sip._tcp.example.", dnsmessage.TypeSRV)
			k.answer(2, 1, "_sip._tcp.example.", dnsmessage.TypeSRV, dnsmessage.RCodeNameError)
			k.ask(3, 2, "example.", 65280)
			k.tracker.EndAll()
		}, []string{
			`7 _sip._tcp.example SRV "NXDOMAIN" [] 1-2 of _sip._tcp.example`,
			`7 example TYPE65280 "" [] 3-0 of example`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newTalk(t)
			tt.play(k)
			if diff := cmp.Diff(tt.want, k.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestResolved finds the lookup that led to a connection.
func TestResolved(t *testing.T) {
	k := newTalk(t)
	addr := netip.MustParseAddr("203.0.113.5")
	k.ask(100, 1, "proxy.example.", a)
	k.ask(101, 2, "proxy.example.", aaaa)
	k.answer(150, 1, "proxy.example.", a, dnsmessage.RCodeSuccess, "203.0.113.5")
	check := func(at ktime.Time, want time.Duration) {
		t.Helper()
		l, took, ok := k.tracker.Resolved(7, addr, at)
		if ok != (want > 0) || ok && (took != want || l.Name != "proxy.example") {
			t.Errorf("at %d: took %d, %v; want %d", at, took, ok, want)
		}
	}
	check(120, 0)
	check(160, 50) // before the answer for IPv6
	k.answer(180, 2, "proxy.example.", aaaa, dnsmessage.RCodeSuccess, "2001:db8::5")
	check(160, 50)
	check(190, 80)
	check(180+3*second, 0) // the address was cached
	if _, _, ok := k.tracker.Resolved(8, addr, 190); ok {
		t.Error("the lookup of another process")
	}
	if _, _, ok := k.tracker.Resolved(7, netip.MustParseAddr("203.0.113.6"), 190); ok {
		t.Error("an address that nobody resolved")
	}
}

// TestStream cuts messages over TCP in all ways, and retransmits parts.
func TestStream(t *testing.T) {
	q, err := question(1, "proxy.example.", a).Pack()
	if err != nil {
		t.Fatal(err)
	}
	m := question(1, "proxy.example.", a)
	m.Response, m.RCode = true, dnsmessage.RCodeNameError
	r, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	framed := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		k := newTalk(t)
		for i, b := range [][]byte{framed(q), framed(r)} {
			p := Packet{PID: 7, At: ktime.Time(i + 1), Sent: i == 0, Local: host, Remote: server, Socket: 1, TCP: true}
			const first = 1<<32 - 10 // sequence numbers wrap around
			for at := 0; at < len(b); {
				n := 1 + rng.IntN(len(b)-at)
				back := rng.IntN(at + 1) // retransmitted
				p.Seq, p.Payload, p.Length = first+uint32(at-back), b[at-back:at+n], n+back
				k.tracker.Packet(&p)
				at += n
			}
		}
		if want := []string{`7 proxy.example A "NXDOMAIN" [] 1-2 of proxy.example`}; !cmp.Equal(want, k.got) {
			t.Fatalf("got %q, want %q", k.got, want)
		}
	}
}

// FuzzPacket feeds the Tracker arbitrary packets. It must not panic, and must stay within its
// bounds.
func FuzzPacket(f *testing.F) {
	b, err := question(1, "proxy.example.", a).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false)
	f.Add(append([]byte{0, byte(len(b))}, b...), true)
	f.Fuzz(func(t *testing.T, b []byte, tcp bool) {
		tr := NewTracker(&recorder{})
		for i := range 4 {
			tr.Packet(&Packet{PID: 7, At: ktime.Time(i), Sent: i%2 == 0, Local: host, Remote: server, TCP: tcp, Payload: b, Length: len(b)})
			if len(b) > 2 {
				b[2] ^= 0x80 // QR
			}
		}
		if p := tr.byPID[7]; p != nil && len(p.open) > maxLookups {
			t.Errorf("%d lookups", len(p.open))
		}
		tr.EndAll()
	})
}
