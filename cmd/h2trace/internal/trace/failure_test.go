//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/ktime"
	tlsdecoder "h2trace/decoder/tls"
	"h2trace/decoder/tls/handshake"
)

// shaken is a handshake that was recorded at one end.
type shaken struct {
	role bpf.Role
	fetched
}

// shake has a client with TLS handshake with a server, and records it at the end of one
// of them.
func shake(t *testing.T, role bpf.Role, client, server *tls.Config) *shaken {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := &shaken{role: role}
	taps := make(map[bpf.Role]*tap)
	dialed, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	taps[bpf.RoleClient], taps[bpf.RoleServer] = &tap{Conn: dialed}, &tap{Conn: accepted}
	var keys bytes.Buffer
	client.KeyLogWriter = &keys
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer accepted.Close()
		_ = tls.Server(taps[bpf.RoleServer], server).Handshake()
	}()
	c := tls.Client(taps[bpf.RoleClient], client)
	if c.Handshake() == nil {
		_, _ = c.Write([]byte("GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n"))
		_, _ = c.Read(make([]byte, 1))
	}
	dialed.Close()
	<-done
	s.fetched = fetched{segments: taps[role].segments, secrets: secretsOf(keys.String())}
	return s
}

// ended replays the first segments of a handshake, and returns its events, in words. The
// process closes the connection, or exits.
func (s *shaken) ended(t *testing.T, segments int, exits bool) []string {
	t.Helper()
	return s.endedWith(t, segments, exits, nil, 0)
}

// endedWith does the same. The process reports its error after some of the segments, or
// after the end; nil: it reports none.
func (s *shaken) endedWith(t *testing.T, segments int, exits bool, why *bpf.HandshakeError, after int) []string {
	t.Helper()
	const conn = 1<<62 | 5
	var out bytes.Buffer
	table := newTestTable(t, &out)
	head := bpf.Head{Time: 1000, PID: 7, Conn: conn}
	table.open(&bpf.Open{
		Head: head, Wire: bpf.WireTLS, Role: s.role, Handshake: true,
		Local: netip.MustParseAddrPort("192.0.2.1:1"), Remote: netip.MustParseAddrPort("192.0.2.2:443"),
	})
	for _, secret := range s.secrets {
		secret.Secret = bytes.Clone(secret.Secret)
		table.secret(&secret)
	}
	report := func(i int) {
		if why != nil && i == after {
			head.Time = ktime.Time(2000 + i)
			table.handshakeFailed(&bpf.HandshakeFailed{Head: head, Conns: [2]uint64{conn, 1<<63 | 5}, Error: why})
		}
	}
	var totals bpf.Totals
	segments = min(segments, len(s.segments))
	for i, segment := range s.segments[:segments] {
		report(i)
		segment.Head = head
		segment.Time = ktime.Time(2000 + i)
		table.segment(&segment)
		totals.Offset[segment.Dir] = segment.Offset + uint64(len(segment.Payload))
	}
	report(segments)
	head.Time = 3000
	if exits {
		if err := table.endProcess(head.PID, head.Time, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.close(&bpf.Close{Head: head, Socket: true, Totals: totals}); err != nil {
		t.Fatal(err)
	}
	report(segments + 1)
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if err := table.events.Close(); err != nil {
		t.Fatal(err)
	}
	return inWords(t, &out)
}

// reasonsIn returns the details of failed events. An exchange that an alert cut may be
// among the events.
func reasonsIn(t *testing.T, events []string) (reasons []string) {
	t.Helper()
	const cut = "GET /a: 0 bytes reset connection ended before the response was complete"
	for _, words := range events {
		switch action, _, _ := strings.Cut(words, " "); action {
		case "failed":
			_, detail, _ := strings.Cut(words, "} ")
			reasons = append(reasons, detail)
		case "GET": // the client may have sent it before the alert came
			if words != cut {
				t.Errorf("got %s", words)
			}
		}
	}
	return reasons
}

// parties are clients and servers whose handshakes fail. client does not trust server.
type parties struct{ client, trusting, server, strict, old *tls.Config }

func newParties(t *testing.T) parties {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	server := &tls.Config{Certificates: certified.TLS.Certificates}
	p := parties{
		client:   &tls.Config{ServerName: "example.com"},
		trusting: &tls.Config{ServerName: "example.com", InsecureSkipVerify: true},
		server:   server, strict: server.Clone(), old: server.Clone(),
	}
	p.strict.ClientAuth = tls.RequireAnyClientCert
	p.old.MaxVersion = tls.VersionTLS12
	return p
}

// TestFailedHandshakes replays handshakes that fail, in every way that packets show.
func TestFailedHandshakes(t *testing.T) {
	p := newParties(t)
	answered := shake(t, bpf.RoleClient, p.client, p.server)
	answered.segments = append(answered.segments[:1:1], bpf.Segment{Wire: bpf.WireTLS, Dir: bpf.Recv, Payload: []byte("HTTP/1.0 400 Bad Request\r\n\r\n")})
	for _, tt := range []struct {
		name     string
		of       *shaken
		segments int
		exits    bool
		want     []string // of the failed event
	}{
		{"closed after the ClientHello", shake(t, bpf.RoleClient, p.client, p.server), 1, false, []string{"given up by the process"}},
		{"exited after the ClientHello", shake(t, bpf.RoleClient, p.client, p.server), 1, true, nil},
		{"closed after the ServerHello", shake(t, bpf.RoleClient, p.client, p.old), 2, false, []string{"given up by the process"}},
		{"answered without TLS", answered, 2, false, []string{"first record does not look like a TLS handshake"}},
		{"certificate of the server, at the client", shake(t, bpf.RoleClient, p.client, p.server), never, false, []string{"alert to the peer: bad_certificate"}},
		{"certificate of the server, at the server", shake(t, bpf.RoleServer, p.client, p.server), never, false, []string{"alert from the peer: bad_certificate"}},
		{"certificate of the client, at the client", shake(t, bpf.RoleClient, p.trusting, p.strict), never, false, nil},
		{"certificate of the client, at the server", shake(t, bpf.RoleServer, p.trusting, p.strict), never, false, []string{"alert to the peer: certificate_required"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := reasonsIn(t, tt.of.ended(t, tt.segments, tt.exits))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCutRecord ends a connection in the middle of each segment of a response. The end
// cuts the exchange, and nothing is missing.
func TestCutRecord(t *testing.T) {
	f := fetch(t, []string{"/abcdefgh"}, func(*tls.Config) {})
	cuts := 0
	for i, segment := range f.segments {
		if segment.Dir != bpf.Recv || len(segment.Payload) < 1000 {
			continue
		}
		segment.Payload = segment.Payload[:len(segment.Payload)-10]
		cut := &shaken{bpf.RoleClient, fetched{segments: append(f.segments[:i:i], segment), secrets: f.secrets}}
		for _, words := range cut.ended(t, never, false) {
			if strings.HasPrefix(words, "GET") {
				cuts++
				if !strings.HasSuffix(words, "connection ended before the response was complete") {
					t.Errorf("segment %d: got %q", i, words)
				}
			}
		}
	}
	if cuts == 0 {
		t.Error("no segment of the response was cut")
	}
}

// endBy is a connEnd whose socket shows who ended it.
type endBy struct {
	reportedClose
	who exchange.Ended
}

func (e *endBy) by() exchange.Ended { return e.who }

// TestEndedBy has a close_notify, and then the socket say who ended a connection.
func TestEndedBy(t *testing.T) {
	sent := &tlsdecoder.Alert{Dir: decoder.Send, Alert: handshake.Alert{Level: handshake.Warning, Description: handshake.CloseNotify}}
	received := &tlsdecoder.Alert{Dir: decoder.Recv, Alert: handshake.Alert{Level: handshake.Warning, Description: handshake.CloseNotify}}
	for _, tt := range []struct {
		name    string
		fin     bool // of the peer, before the process sends its alert
		closed  bool // before the alerts
		alerts  []*tlsdecoder.Alert
		who, by exchange.Ended
	}{
		{"no alert", false, false, nil, exchange.EndedByPeer, exchange.EndedByPeer},
		{"the process closes what the peer ended", false, false, []*tlsdecoder.Alert{received}, exchange.EndedByProcess, exchange.EndedByPeer},
		{"the peer closes before the process that ended", false, false, []*tlsdecoder.Alert{sent}, exchange.EndedByPeer, exchange.EndedByProcess},
		{"the process answers the peer", false, false, []*tlsdecoder.Alert{received, sent}, exchange.EndedByPeer, exchange.EndedByPeer},
		{"the peer answers the process", false, false, []*tlsdecoder.Alert{sent, received}, exchange.EndedByPeer, exchange.EndedByProcess},
		{"the process closes after the FIN of the peer", true, false, []*tlsdecoder.Alert{sent}, exchange.EndedByPeer, exchange.EndedByPeer},
		{"the network broke", false, false, []*tlsdecoder.Alert{sent}, exchange.EndedByNetwork, exchange.EndedByNetwork},
		{"the peer answers a close without an alert", false, true, []*tlsdecoder.Alert{received}, exchange.EndedByProcess, exchange.EndedByProcess},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &tracedConn{}
			own := &tlsConn{conn: c}
			c.wire = &wireConn{tls: own, peerEnded: tt.fin}
			if tt.closed {
				c.end = &endBy{who: tt.who}
			}
			for _, a := range tt.alerts {
				own.alerted(a)
			}
			c.end = &endBy{who: tt.who}
			if got := c.endedBy(); got != tt.by {
				t.Errorf("got %v, want %v", got, tt.by)
			}
		})
	}
}
