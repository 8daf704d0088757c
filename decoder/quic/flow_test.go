package quic

import (
	"bytes"
	"context"
	"crypto/tls"
	"math/rand/v2"
	"slices"
	"testing"

	"h2trace/decoder/tcp"
)

// clientHello returns a ClientHello of crypto/tls for QUIC.
func clientHello(t testing.TB, name string) []byte {
	t.Helper()
	c := tls.QUICClient(&tls.QUICConfig{TLSConfig: &tls.Config{
		ServerName: name, NextProtos: []string{"h3", "hq"}, MinVersion: tls.VersionTLS13,
	}})
	defer c.Close()
	c.SetTransportParameters([]byte{1, 2, 0x40, 0x80})
	if err := c.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	for e := c.NextEvent(); e.Kind != tls.QUICNoEvent; e = c.NextEvent() {
		if e.Kind == tls.QUICWriteData {
			return bytes.Clone(e.Data)
		}
	}
	t.Fatal("no ClientHello")
	return nil
}

// serverHello is that of the vectors.
func serverHello(t testing.TB) []byte { return unhex(t, serverPayload)[9:] }

func testFlow() *Flow { return NewFlow(tcp.NewBudget(1 << 20)) }

// offers demands that a connection is known, with a name.
func offers(t *testing.T, c *Connection, v Version, name string) {
	t.Helper()
	if c == nil || c.Version != v || c.ClientHello == nil || c.ClientHello.SNI != name || !slices.Equal(c.ClientHello.ALPN, []string{"h3", "hq"}) || !c.ClientHello.QUIC {
		t.Fatalf("got %+v, want %s to %s", c, v, name)
	}
}

// nothing demands that a datagram says nothing new.
func nothing(t *testing.T, c *Connection) {
	t.Helper()
	if c != nil {
		t.Fatalf("got %+v, want nothing", c)
	}
}

// TestShuffled has the frames of a ClientHello in any order, over two datagrams.
func TestShuffled(t *testing.T) {
	hello := clientHello(t, "shuffled.example")
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		p := newPeer(t, Version1, "fiverseven", "self")
		var frames [][]byte
		for at := 0; at < len(hello); {
			n := min(1+r.IntN(300), len(hello)-at)
			frames = append(frames, cryptoOf(at, hello[at:at+n]))
			at += n
		}
		r.Shuffle(len(frames), func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
		half := len(frames) / 2
		first := p.packet(true, slices.Concat(frames[:half]...), 1200)
		second := p.packet(true, slices.Concat(append(frames[half:], []byte{framePing, 0, 0})...), 1200)
		f := testFlow()
		nothing(t, f.Datagram(0, true, second))
		nothing(t, f.Datagram(0, true, second))
		offers(t, f.Datagram(0, true, first), Version1, "shuffled.example")
		if got := f.budget; *got != *tcp.NewBudget(1 << 20) {
			t.Errorf("seed %d: bytes are held: %+v", seed, got)
		}
	}
}

// TestCoalesced has two Initial packets in a datagram, and one of another type.
func TestCoalesced(t *testing.T) {
	hello := clientHello(t, "coalesced.example")
	p := newPeer(t, Version1, "fiverseven", "")
	b := append(p.packet(true, cryptoOf(0, hello[:500]), 0), p.packet(true, cryptoOf(500, hello[500:]), 1200)...)
	zero := long(Version1, "fiverseven", "", append(varint(40), make([]byte, 40)...))
	zero[0] |= 1 << 4
	offers(t, testFlow().Datagram(0, true, append(zero, b...)), Version1, "coalesced.example")
}

// TestServerChooses has a client that takes the connection ID of the server before its
// ClientHello is complete.
func TestServerChooses(t *testing.T) {
	hello := clientHello(t, "chooses.example")
	p := newPeer(t, Version1, "fiverseven", "self")
	f := testFlow()
	nothing(t, f.Datagram(5, true, p.packet(true, cryptoOf(0, hello[:700]), 1200)))
	nothing(t, f.Datagram(0, false, p.packet(false, []byte{frameACK, 0, 0, 0, 0}, 1200)))
	p.dcid = []byte("srv")
	offers(t, f.Datagram(7, true, p.packet(true, cryptoOf(700, hello[700:]), 1200)), Version1, "chooses.example")
	c := f.Datagram(9, false, p.packet(false, append([]byte{frameACKWithECN, 0, 0, 0, 0, 1, 2, 3}, cryptoOf(0, serverHello(t))...), 1200))
	if c == nil || c.Since != 5 || c.ServerHello == nil || c.ServerHello.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Errorf("got %+v, want a ServerHello", c)
	}
}

// TestRetry has a Retry packet: the keys derive from another connection ID, and it is the
// same connection.
func TestRetry(t *testing.T) {
	hello := clientHello(t, "retry.example")
	p := newPeer(t, Version1, "fiverseven", "self")
	f := testFlow()
	first := p.packet(true, cryptoOf(0, hello), 1200)
	c := f.Datagram(0, true, first)
	offers(t, c, Version1, "retry.example")
	again := long(Version1, "self", "another", make([]byte, 40))
	again[0] |= 3 << 4
	nothing(t, f.Datagram(0, false, again))
	p.original, p.dcid, p.token = []byte("another1"), []byte("another1"), make([]byte, 20)
	if got := f.Datagram(0, true, p.packet(true, cryptoOf(0, hello), 1200)); got != c {
		t.Errorf("got %+v after the Retry, want the connection from before", got)
	}
	f.Datagram(0, true, first) // overtaken
	if got := f.Datagram(0, false, p.packet(false, cryptoOf(0, serverHello(t)), 1200)); got != c || c.ServerHello == nil {
		t.Errorf("got %+v after the ServerHello", got)
	}
}

// TestVersionNegotiation has a client that is told another version.
func TestVersionNegotiation(t *testing.T) {
	f := testFlow()
	const odd = Version(0x0a1a2a3a)
	nothing(t, f.Datagram(0, true, long(odd, "fiverseven", "self", make([]byte, 1200))))
	c := f.Datagram(0, false, long(versionNegotiation, "self", "fiverseven", []byte{0, 0, 0, 1}))
	if c == nil || c.Version != odd || c.ClientHello != nil {
		t.Fatalf("got %+v after Version Negotiation", c)
	}
	p := newPeer(t, Version1, "eightnine", "me")
	got := f.Datagram(0, true, p.packet(true, cryptoOf(0, clientHello(t, "negotiated.example")), 1200))
	offers(t, got, Version1, "negotiated.example")
	if got != c {
		t.Error("it is another connection")
	}
	next := newPeer(t, Version1, "ten-eleven", "me2")
	got = f.Datagram(0, true, next.packet(true, cryptoOf(0, clientHello(t, "next.example")), 1200))
	offers(t, got, Version1, "next.example")
	if got == c {
		t.Error("a second connection is the first one")
	}
}

// TestCompatible has a server that goes on in another version (RFC 9369 §4.1).
func TestCompatible(t *testing.T) {
	p := newPeer(t, Version1, "fiverseven", "self")
	f := testFlow()
	c := f.Datagram(0, true, p.packet(true, cryptoOf(0, clientHello(t, "compatible.example")), 1200))
	offers(t, c, Version1, "compatible.example")
	p.version = Version2
	if got := f.Datagram(0, false, p.packet(false, cryptoOf(0, serverHello(t)), 1200)); got != c || c.Version != Version2 {
		t.Errorf("got %+v, want %s", got, Version2)
	}
}

// TestUnknownVersion has a version whose packets cannot be opened. Only an answer to the
// client's own connection ID shows that it is QUIC.
func TestUnknownVersion(t *testing.T) {
	const draft = Version(0xff00001d)
	first := long(draft, "fiverseven", "self", make([]byte, 1200))
	f := testFlow()
	nothing(t, f.Datagram(0, true, first))
	nothing(t, f.Datagram(0, true, first))
	nothing(t, f.Datagram(0, false, long(draft, "other", "server", make([]byte, 100))))
	nothing(t, f.Datagram(0, false, long(draft+1, "self", "server", make([]byte, 100))))
	answer := long(draft, "self", "server", make([]byte, 100))
	if c := f.Datagram(0, false, answer); c == nil || c.Version.String() != "QUIC 0xff00001d" {
		t.Errorf("got %+v", c)
	}
	nothing(t, f.Datagram(0, false, answer))
	nothing(t, testFlow().Datagram(0, true, long(draft, "fiverseven", "self", make([]byte, 100))))
}

// TestForged has packets whose tag is wrong, and bytes that only look like QUIC.
func TestForged(t *testing.T) {
	p := newPeer(t, Version1, "fiverseven", "self")
	b := p.packet(true, cryptoOf(0, clientHello(t, "forged.example")), 1200)
	for i := range b {
		forged := bytes.Clone(b)
		forged[i] ^= 1
		nothing(t, testFlow().Datagram(0, true, forged))
		nothing(t, testFlow().Datagram(0, true, b[:i]))
	}
	nothing(t, testFlow().Datagram(0, false, b))
}

// TestManyAttempts demands that a Flow holds a bounded number of handshakes.
func TestManyAttempts(t *testing.T) {
	f := testFlow()
	for i := range 100 {
		p := newPeer(t, Version1, "fiverseven"+string(rune('0'+i)), "self")
		nothing(t, f.Datagram(0, true, p.packet(true, cryptoOf(10, []byte("late")), 1200)))
	}
	if len(f.attempts) != maxAttempts {
		t.Errorf("got %d attempts", len(f.attempts))
	}
	f.Close()
	if *f.budget != *tcp.NewBudget(1 << 20) {
		t.Errorf("bytes are held: %+v", f.budget)
	}
}
