package tls_test

import (
	"crypto"
	"crypto/cipher"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/chacha20poly1305"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/record"
)

// sender protects records of TLS_CHACHA20_POLY1305_SHA256 under one traffic secret.
type sender struct {
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	number uint64
}

func newSender(t *testing.T, secret []byte) *sender {
	t.Helper()
	s := &sender{secret: secret, iv: expand(t, secret, "iv", 12)}
	var err error
	if s.aead, err = chacha20poly1305.New(expand(t, secret, "key", 32)); err != nil {
		t.Fatal(err)
	}
	return s
}

func expand(t *testing.T, secret []byte, label string, size int) []byte {
	t.Helper()
	b, err := record.ExpandLabel(crypto.SHA256, secret, label, size)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// update replaces the secret by that of the next generation (RFC 8446 §7.2).
func (s *sender) update(t *testing.T) {
	t.Helper()
	*s = *newSender(t, expand(t, s.secret, "traffic upd", 32))
}

// seal returns a record with content of a type.
func (s *sender) seal(typ record.ContentType, content string) []byte {
	inner := append([]byte(content), byte(typ))
	header := []byte{23, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(inner)+s.aead.Overhead()))
	nonce := slices.Clone(s.iv)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^s.number)
	s.number++
	return s.aead.Seal(header, nonce, inner, header)
}

// TestKeyUpdate gives KeyUpdate messages, also those at which a receiver aborts the connection: the
// value is neither 0 nor 1 (RFC 8446 §4.6.3), the length is not 1, or the message does not end its
// record (§5.1). A Conn changes the keys for those with a valid body alone. Where the sender has
// changed them all the same, a search finds the next generation, and one record is lost.
func TestKeyUpdate(t *testing.T) {
	const (
		newKeys = ""                    // the sender changes its keys
		ticket  = "\x04\x00\x00\x03abc" // a message that is skipped
	)
	missing := []string{"missing send 28 bytes, -1 records with -1"}
	for _, tt := range []struct {
		name string
		sent []string // records of handshake messages, and newKeys
		lost []string
	}{
		{"not requested", []string{"\x18\x00\x00\x01\x00", newKeys}, nil},
		{"requested", []string{"\x18\x00\x00\x01\x01", newKeys}, nil},
		{"after another message", []string{ticket + "\x18\x00\x00\x01\x00", newKeys}, nil},
		{"in two records", []string{"\x18\x00\x00", "\x01\x00", newKeys}, nil},
		{"none", []string{ticket, newKeys}, missing},
		{"not last in its record", []string{"\x18\x00\x00\x01\x00" + ticket, newKeys}, nil},
		{"before part of a message", []string{"\x18\x00\x00\x01\x00" + ticket[:5], newKeys, "\x18\x00\x00\x01\x00", newKeys}, nil},
		{"value 2", []string{"\x18\x00\x00\x01\x02"}, nil},
		{"value 2, new keys", []string{"\x18\x00\x00\x01\x02", newKeys}, missing},
		{"value 255", []string{"\x18\x00\x00\x01\xff"}, nil},
		{"empty", []string{"\x18\x00\x00\x00"}, nil},
		{"empty, new keys", []string{"\x18\x00\x00\x00", newKeys}, missing},
		{"two bytes", []string{"\x18\x00\x00\x02\x00\x00"}, nil},
		{"two bytes, new keys", []string{"\x18\x00\x00\x02\x01\x00", newKeys}, missing},
		{"body missing", []string{"\x18\x00\x00\x01"}, nil},
		{"body missing, new keys", []string{"\x18\x00\x00\x01", newKeys}, missing},
		{"longest length", []string{"\x18\xff\xff\xff\x00"}, nil},
		{"longest length, new keys", []string{"\x18\xff\xff\xff\x00", newKeys}, missing},
		{"valid after a malformed one", []string{"\x18\x00\x00\x01\x02", "\x18\x00\x00\x01\x00", newKeys}, nil},
		{"valid after a malformed one in its record", []string{"\x18\x00\x00\x01\x02\x18\x00\x00\x01\x00", newKeys}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			secret := stream(32, 1)
			s := newSender(t, secret)
			sent := s.seal(record.ApplicationData, "before ")
			for _, messages := range tt.sent {
				if messages == newKeys {
					s.update(t)
				} else {
					sent = append(sent, s.seal(record.Handshake, messages)...)
				}
			}
			want := "before first second third"
			if tt.lost != nil {
				want = "before second third"
			}
			for _, text := range []string{"first ", "second ", "third"} {
				sent = append(sent, s.seal(record.ApplicationData, text)...)
			}
			for _, most := range []int{len(sent), 7} {
				suite, _ := record.SuiteByID(0x1303)
				reader, err := record.NewTLS13(suite, secret)
				if err != nil {
					t.Fatal(err)
				}
				c, r := tls.NewJoined(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
				c.Join(decoder.Send, reader)
				at := ktime.Time(0)
				for part := range slices.Chunk(sent, most) {
					at++
					r.give(c, at, decoder.Send, part)
				}
				if got := string(r.said[decoder.Send]); got != want {
					t.Errorf("in pieces of %d: got %q, want %q", most, got, want)
				}
				if diff := cmp.Diff(tt.lost, r.lines); diff != "" {
					t.Errorf("in pieces of %d: -want +got:\n%s", most, diff)
				}
			}
		})
	}
}

// TestKeyUpdateBeforeJoin joins a connection with what memory holds after a KeyUpdate, when records
// from before that still wait. All after it is opened.
func TestKeyUpdateBeforeJoin(t *testing.T) {
	const update = "\x18\x00\x00\x01\x00"
	for _, tt := range []struct {
		name         string
		suite        uint16
		size, before int // of records before the KeyUpdate, and their number
	}{
		{"short", 0x1303, 100, 1000},
		{"long", 0x1303, 1 << 14, 100},
		{"one", 0x1303, 100, 1},
		{"none", 0x1303, 100, 0},
		{"short, GCM", 0x1301, 100, 1000},
		{"long, GCM", 0x1301, 1 << 14, 120},
	} {
		for _, after := range []int{1, 3, 100} {
			t.Run(tt.name, func(t *testing.T) {
				secret, make := stream(32, 1), newSender
				if tt.suite == 0x1301 {
					make = newGCMSender
				}
				s := make(t, secret)
				s.number = 5000
				sent := s.seal(record.ApplicationData, "cut")[7:]
				for range tt.before {
					sent = append(sent, s.seal(record.ApplicationData, string(stream(tt.size, 2)))...)
				}
				sent = append(sent, s.seal(record.Handshake, update)...)
				s = make(t, expand(t, secret, "traffic upd", 32))
				want := stream(after<<12, 3)
				for part := range slices.Chunk(want, 1<<12) {
					sent = append(sent, s.seal(record.ApplicationData, string(part))...)
				}
				for _, number := range []int{0, after - 1, after, after + 1, after + 500} {
					suite, _ := record.SuiteByID(tt.suite)
					reader, err := record.NewTLS13(suite, s.secret)
					if err != nil {
						t.Fatal(err)
					}
					reader.SetNumber(uint64(number))
					c, r := tls.NewJoined(tls.NewBudget(8<<20), tls.NewSessions()), &result{}
					for i, part := range slices.Collect(slices.Chunk(sent, 1<<16)) {
						r.give(c, ktime.Time(i+1), decoder.Recv, part)
					}
					c.Join(decoder.Recv, reader)
					r.drain(c)
					if got := r.said[decoder.Recv]; !slices.Equal(got, want) || len(r.lines) > 0 {
						t.Errorf("%d records, number %d: got %d bytes, want %d; %q", after, number, len(got), len(want), r.lines)
					}
				}
			})
		}
	}
}

// TestKeyUpdateBeforeLateJoin does so where the hellos were seen: it is known that application
// data before the KeyUpdate is missing, and none where there is no KeyUpdate.
func TestKeyUpdateBeforeLateJoin(t *testing.T) {
	conv := tls13.record(t, []int{1})
	for _, updated := range []bool{true, false} {
		c, r := tls.New(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
		for i, s := range conv.records()[:2] { // the hellos
			c.Data(ktime.Time(i+1), s.dir, s.b)
			r.drain(c)
		}
		i := slices.IndexFunc(conv.secrets, func(s logged) bool { return s.label == "SERVER_TRAFFIC_SECRET_0" })
		s := newGCMSender(t, conv.secrets[i].secret)
		var sent []byte
		if updated {
			sent = append(s.seal(record.ApplicationData, "before"), s.seal(record.Handshake, "\x18\x00\x00\x01\x00")...)
			s = newGCMSender(t, expand(t, s.secret, "traffic upd", 32))
		}
		sent = append(append(sent, s.seal(record.ApplicationData, "after ")...), s.seal(record.ApplicationData, "it")...)
		c.Data(3, decoder.Recv, sent)
		suite, _ := record.SuiteByID(0x1301)
		reader, err := record.NewTLS13(suite, s.secret)
		if err != nil {
			t.Fatal(err)
		}
		reader.SetNumber(2)
		c.Join(decoder.Recv, reader)
		r.drain(c)
		missing := slices.ContainsFunc(r.lines, func(l string) bool { return strings.HasPrefix(l, "missing recv") })
		if got := string(r.said[decoder.Recv]); got != "after it" || missing != updated {
			t.Errorf("updated %t: got %q and %q", updated, got, r.lines)
		}
	}
}

// TestKeyUpdateFarBeforeJoin does so where more waits before the KeyUpdate than a search passes
// over.
func TestKeyUpdateFarBeforeJoin(t *testing.T) {
	const most = 4 << 20 // maxJoining
	secret := stream(32, 1)
	s := newGCMSender(t, secret)
	var sent []byte
	for len(sent) <= most {
		sent = append(sent, s.seal(record.ApplicationData, string(stream(1<<14, 2)))...)
	}
	sent = append(sent, s.seal(record.Handshake, "\x18\x00\x00\x01\x00")...)
	s = newGCMSender(t, expand(t, secret, "traffic upd", 32))
	sent = append(append(sent, s.seal(record.ApplicationData, "after ")...), s.seal(record.ApplicationData, "it")...)
	suite, _ := record.SuiteByID(0x1301)
	reader, err := record.NewTLS13(suite, s.secret)
	if err != nil {
		t.Fatal(err)
	}
	c, r := tls.NewJoined(tls.NewBudget(2*most), tls.NewSessions()), &result{}
	r.give(c, 1, decoder.Recv, sent[:most])
	r.give(c, 2, decoder.Recv, sent[most:])
	c.Join(decoder.Recv, reader)
	r.drain(c)
	if got := string(r.said[decoder.Recv]); got != "after it" || len(r.lines) > 0 {
		t.Errorf("got %q and %q", got, r.lines)
	}
}
