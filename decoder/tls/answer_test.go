package tls_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	gotls "crypto/tls"
	"encoding/binary"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// check returns how long the client took for the certificate, -1 if that is unknown.
func (r *result) check() int {
	if took, ok := r.info.Check(); ok {
		return int(took)
	}
	return -1
}

// answers returns the times of the segments before the client's answer, which is the first
// one that it sent after it checked the certificate, and of that.
func (conv *conversation) answers() (asked, answered ktime.Time) {
	for i, s := range conv.segments {
		if s.dir == decoder.Send && i >= conv.checked {
			return asked, ktime.Time(i + 1)
		}
		if s.dir == decoder.Recv {
			asked = ktime.Time(i + 1)
		}
	}
	return 0, 0
}

// TestCheck compares the time for the certificate with what the client does: it sends
// nothing between the last message of the server and its answer but the change_cipher_spec,
// which is before it checks the certificate.
func TestCheck(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(13, 14))
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{100, 100, 100})
			got := run(conv, 1<<20, 0)
			asked, answered := conv.answers()
			switch info := got.info; {
			case s.resumed && got.check() != -1:
				t.Errorf("got %d, want none: the server sent no certificate", got.check())
			case !s.resumed && (info.Asked != asked || info.Answered != answered || got.check() != int(answered-asked)):
				t.Errorf("got %d to %d, want %d to %d", info.Asked, info.Answered, asked, answered)
			}
			checkPieces(t, conv, rng)
		})
	}
}

// reframe puts the messages of the first handshake into records of at most size bytes of
// messages, each a segment of its own. It returns the times of the last record of the
// server, and of the first one of the client's answer. The server's Certificate gets a type.
func reframe(t *testing.T, conv *conversation, size int, certificate handshake.MessageType) (framed *conversation, asked, answered ktime.Time) {
	t.Helper()
	framed = &conversation{secrets: conv.secrets}
	flights := flightsOf(t, conv)
	for b := flights[decoder.Recv].messages; len(b) > 0; b = b[4+binary.BigEndian.Uint32(b)&0xffffff:] {
		if b[0] == byte(handshake.TypeCertificate) {
			b[0] = byte(certificate)
		}
	}
	for _, r := range conv.records() {
		f := &flights[r.dir]
		if !f.has(r) {
			framed.segments = append(framed.segments, segment(r))
			continue
		}
		if len(f.messages) > 0 && r.dir == decoder.Send {
			answered = ktime.Time(len(framed.segments) + 1)
		}
		for part := range slices.Chunk(f.messages, size) {
			framed.segments = append(framed.segments, segment{r.dir, f.seal(part)})
		}
		if len(f.messages) > 0 && r.dir == decoder.Recv {
			asked = ktime.Time(len(framed.segments))
		}
		f.messages = nil
	}
	return framed, asked, answered
}

// flight is what an end sends of a handshake between its hello and its application data.
type flight struct {
	records  [][]byte
	messages []byte
	seal     func(messages []byte) []byte
}

func (f *flight) has(r wireRecord) bool {
	return slices.ContainsFunc(f.records, func(b []byte) bool { return bytes.Equal(b, r.b) })
}

func flightsOf(t *testing.T, conv *conversation) (flights [2]flight) {
	t.Helper()
	var readers [2]*record.Reader
	suite, _ := record.SuiteByID(0x1301)
	for d := range flights {
		flights[d].seal = func(messages []byte) []byte {
			return append(binary.BigEndian.AppendUint16([]byte{22, 3, 3}, uint16(len(messages))), messages...)
		}
	}
	for _, s := range conv.secrets {
		d, ok := map[string]decoder.Direction{"CLIENT_HANDSHAKE_TRAFFIC_SECRET": decoder.Send, "SERVER_HANDSHAKE_TRAFFIC_SECRET": decoder.Recv}[s.label]
		if !ok {
			continue
		}
		var err error
		if readers[d], err = record.NewTLS13(suite, s.secret); err != nil {
			t.Fatal(err)
		}
		sends := newGCMSender(t, s.secret)
		flights[d].seal = func(messages []byte) []byte { return sends.seal(record.Handshake, string(messages)) }
	}
	var hellos, over [2]bool
	for _, r := range conv.records() {
		f := &flights[r.dir]
		switch {
		case r.b[0] == 22 && !hellos[r.dir]:
			hellos[r.dir] = true
		case r.b[0] == 22 && !over[r.dir] && (r.dir == decoder.Send || flights[decoder.Send].records == nil): // TLS 1.2
			f.records, f.messages = append(f.records, r.b), append(f.messages, r.b[5:]...)
		case r.b[0] == 20 && readers[r.dir] == nil:
			over[r.dir] = true
		case r.b[0] == 23 && readers[r.dir] != nil && !over[r.dir]:
			plaintext, _, err := readers[r.dir].Open(nil, r.b)
			if over[r.dir] = err != nil; err == nil {
				f.records, f.messages = append(f.records, r.b), append(f.messages, plaintext...)
			}
		}
	}
	return flights
}

// newGCMSender returns a sender of TLS_AES_128_GCM_SHA256.
func newGCMSender(t *testing.T, secret []byte) *sender {
	t.Helper()
	block, err := aes.NewCipher(expand(t, secret, "key", 16))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return &sender{secret: secret, aead: aead, iv: expand(t, secret, "iv", 12)}
}

// TestCheckFrames has all messages of a flight in one record, and in many. Then each
// segment is missing in turn: the time is the same, or it is unknown.
func TestCheckFrames(t *testing.T) {
	tls12 := func(c *gotls.Config) { c.MaxVersion = gotls.VersionTLS12 }
	asks := func(c *gotls.Config) { c.ClientAuth = gotls.RequestClientCert }
	compressed := scenario{name: "TLS 1.3, compressed certificate"} // RFC 8879
	for _, s := range []scenario{
		tls13,
		compressed,
		{name: "TLS 1.3, client certificate", server: asks},
		{name: "TLS 1.2", client: tls12},
		{name: "TLS 1.2, client certificate", client: tls12, server: asks},
	} {
		for _, size := range []int{100, 1 << 14} {
			t.Run(s.name, func(t *testing.T) {
				typ := handshake.TypeCertificate
				if s.name == compressed.name {
					typ = handshake.TypeCompressedCertificate
				}
				conv, asked, answered := reframe(t, s.record(t, []int{100, 100, 100}), size, typ)
				want := int(answered - asked)
				full := run(conv, 1<<20, 0)
				if got := full.check(); got != want || want <= 0 || full.info.Asked != asked {
					t.Fatalf("in records of %d: got %d from %d, want %d from %d", size, got, full.info.Asked, want, asked)
				}
				for lost := range conv.segments {
					c, r := newConn(conv), &result{}
					r.tell(c, conv)
					for i, s := range conv.segments {
						if i == lost {
							c.Missing(ktime.Time(i+1), s.dir, int64(len(s.b)))
						} else {
							c.Data(ktime.Time(i+1), s.dir, s.b)
						}
						r.drain(c)
					}
					end := lost+1 == int(asked) || lost+1 == int(answered)
					if got := r.check(); got != -1 && got != want || end && got != -1 {
						t.Errorf("in records of %d, without segment %d: got %d, want %d or unknown", size, lost+1, got, want)
					}
				}
			})
		}
	}
}

// TestCheckRenegotiated has a renegotiation, whose messages are not those of the first
// handshake.
func TestCheckRenegotiated(t *testing.T) {
	need(t, "openssl")
	conv, _ := opensslPair(t, "", []string{"-tls1_2", "-no_etm"}, []string{"-client_renegotiation"}, later(client("R")))
	got := run(conv, 1<<20, 0)
	if asked, answered := got.info.Asked, got.info.Answered; asked == 0 || answered <= asked || int(answered) > 8 {
		t.Errorf("got %d to %d of %d segments", asked, answered, len(conv.segments))
	}
}
