package tls_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

// wireRecord is a record of a conversation, with its header.
type wireRecord struct {
	dir decoder.Direction
	b   []byte
}

// records cuts a conversation into records, in the order in which they are complete.
func (conv *conversation) records() (list []wireRecord) {
	var rest [2][]byte
	for _, s := range conv.segments {
		b := append(rest[s.dir], s.b...)
		for len(b) >= 5 && len(b) >= 5+int(binary.BigEndian.Uint16(b[3:])) {
			n := 5 + int(binary.BigEndian.Uint16(b[3:]))
			list = append(list, wireRecord{s.dir, bytes.Clone(b[:n])})
			b = b[n:]
		}
		rest[s.dir] = bytes.Clone(b)
	}
	return list
}

// play gives records to a Conn, with all secrets first.
func play(conv *conversation, records []wireRecord) *result {
	played := *conv
	played.segments = nil
	for _, r := range records {
		played.segments = append(played.segments, segment(r))
	}
	return run(&played, 1<<20, 0)
}

// fake returns a record that nobody protected.
func fake(typ byte, size int) []byte {
	b := make([]byte, 5+size)
	b[0], b[1], b[2] = typ, 3, 3
	binary.BigEndian.PutUint16(b[3:], uint16(size))
	return b
}

// TestInserted puts records that do not open, of all lengths that are limits, into
// conversations: all application data is returned.
func TestInserted(t *testing.T) {
	for _, s := range scenarios() {
		conv := s.record(t, []int{100, 20000, 100, 40000})
		records := conv.records()
		for _, typ := range []byte{20, 21, 22, 23, 24} {
			for _, size := range []int{0, 1, 2, 16, 17, 1 << 14, 1<<14 + 256, 1<<14 + 257, 1<<14 + 2048, 1<<14 + 2049} {
				for _, i := range []int{len(records) - 6, len(records) - 4} {
					with := slices.Insert(slices.Clone(records), i, wireRecord{records[i].dir, fake(typ, size)})
					got := play(conv, with)
					for d := range got.said {
						if !bytes.Equal(got.said[d], conv.said[d]) {
							t.Errorf("%s: type %d of %d bytes before record %d: %s: got %d bytes, want %d; %q", s.name, typ, size, i,
								decoder.Direction(d), len(got.said[d]), len(conv.said[d]), got.lines)
						}
					}
				}
			}
		}
	}
}

// split returns the handshake record b as records of n bytes.
func split(b []byte, n int) (list [][]byte) {
	for b = b[5:]; len(b) > 0; b = b[min(n, len(b)):] {
		part := fake(22, min(n, len(b)))
		copy(part[5:], b)
		list = append(list, part)
	}
	return list
}

// TestHelloPieces has hellos in many records, and others between them.
func TestHelloPieces(t *testing.T) {
	alert, ccs := fake(21, 2), fake(20, 1)
	alert[5], alert[6], ccs[5] = 1, 90, 1
	for _, s := range scenarios() {
		conv := s.record(t, []int{100, 20000})
		records := conv.records()
		for name, between := range map[string][]byte{"": nil, "alert": alert, "change_cipher_spec": ccs, "empty": fake(22, 0)} {
			var pieces []wireRecord
			hellos := [2]bool{}
			for _, r := range records {
				if hellos[r.dir] {
					pieces = append(pieces, r)
					continue
				}
				hellos[r.dir] = true
				for i, b := range split(r.b, 1) {
					if i > 0 && i%50 == 0 && between != nil && (name != "change_cipher_spec" || r.dir == decoder.Send) {
						pieces = append(pieces, wireRecord{r.dir, between})
					}
					pieces = append(pieces, wireRecord{r.dir, b})
				}
			}
			got := play(conv, pieces)
			if name == "change_cipher_spec" { // an endpoint aborts (RFC 8446 §5)
				want := []string{"unopened send: hello not seen", "unopened recv: hello not seen"}
				if diff := cmp.Diff(want, got.lines); diff != "" {
					t.Errorf("%s: %s", s.name, diff)
				}
				continue
			}
			for d := range got.said {
				if !bytes.Equal(got.said[d], conv.said[d]) {
					t.Errorf("%s, %s between: %s: got %d bytes, want %d; %q", s.name, name, decoder.Direction(d), len(got.said[d]), len(conv.said[d]), got.lines)
				}
			}
		}
	}
}

// TestHelloOrder gives hellos in an order that no handshake has. Nothing is returned that
// was not sent, and what is not returned is said to be unopened or missing.
func TestHelloOrder(t *testing.T) {
	for _, s := range scenarios() {
		conv := s.record(t, []int{100, 20000, 100, 20000})
		records := conv.records()
		first := map[decoder.Direction]int{
			decoder.Send: slices.IndexFunc(records, func(r wireRecord) bool { return r.dir == decoder.Send }),
			decoder.Recv: slices.IndexFunc(records, func(r wireRecord) bool { return r.dir == decoder.Recv }),
		}
		hello, answer := records[first[decoder.Send]], records[first[decoder.Recv]]
		other := wireRecord{hello.dir, bytes.Clone(hello.b)}
		other.b[5+4+2] ^= 1 // the random
		mirrored := wireRecord{decoder.Recv, hello.b}
		without := func(i int) []wireRecord { return slices.Delete(slices.Clone(records), i, i+1) }
		for _, tt := range []struct {
			name    string
			records []wireRecord
			all     bool // application data is returned
		}{
			{"the server first", slices.Insert(without(first[decoder.Recv]), 0, answer), false},
			{"no ClientHello", without(first[decoder.Send]), false},
			{"no ServerHello", without(first[decoder.Recv]), false},
			{"twice", slices.Insert(slices.Clone(records), 1, hello), true},
			{"another random first", slices.Insert(slices.Clone(records), 0, other), true},
			{"another random after", slices.Insert(slices.Clone(records), 1, other), false},
			{"of both", slices.Insert(slices.Clone(records), 0, mirrored), false},
			{"of both after", slices.Insert(slices.Clone(records), 1, mirrored), true},
			{"two answers", slices.Insert(slices.Clone(records), first[decoder.Recv]+1, answer), false},
		} {
			o := &observer{t: t, conn: newConn(conv), said: conv.said}
			for _, s := range conv.secrets {
				o.conn.Secret(s.label, s.random, s.secret)
			}
			for i, r := range tt.records {
				o.conn.Data(ktime.Time(i+1), r.dir, r.b)
				o.drain()
			}
			whole := o.at[0] == len(conv.said[0]) && o.at[1] == len(conv.said[1])
			if tt.all && !whole {
				t.Errorf("%s, %s: got %d and %d bytes, want %d and %d", s.name, tt.name, o.at[0], o.at[1], len(conv.said[0]), len(conv.said[1]))
			}
			o.finish()
		}
	}
}

// TestWrongFirst gives another secret before the right one, in each phase.
func TestWrongFirst(t *testing.T) {
	for _, s := range scenarios() {
		conv := s.record(t, []int{100, 20000, 100, 20000})
		for _, wrong := range conv.secrets {
			for _, when := range []int{0, 3, 5, len(conv.segments)} {
				given := *conv
				given.secrets = nil
				for _, s := range conv.secrets {
					if s.label == wrong.label {
						given.secrets = append(given.secrets, logged{s.label, s.random, stream(len(s.secret), 9)}, logged{s.label, s.random, nil})
					}
					given.secrets = append(given.secrets, s)
				}
				got := run(&given, 1<<20, when)
				for d := range got.said {
					if !bytes.Equal(got.said[d], conv.said[d]) {
						t.Errorf("%s, %s at %d: %s: got %d bytes, want %d; %q", s.name, wrong.label, when, decoder.Direction(d), len(got.said[d]), len(conv.said[d]), got.lines)
					}
				}
			}
		}
	}
}

// TestManySecrets gives secrets without end. The last ones are kept.
func TestManySecrets(t *testing.T) {
	conv := tls13.record(t, []int{10, 10})
	given := *conv
	given.secrets = nil
	for i := range 10_000 {
		given.secrets = append(given.secrets, logged{"CLIENT_RANDOM", [32]byte{byte(i), byte(i >> 8)}, stream(48, 1)})
	}
	given.secrets = append(given.secrets, conv.secrets...)
	got := run(&given, 1<<20, 0)
	if !bytes.Equal(got.said[0], conv.said[0]) || !bytes.Equal(got.said[1], conv.said[1]) {
		t.Errorf("got %d and %d bytes; %q", len(got.said[0]), len(got.said[1]), got.lines)
	}
}

// TestReplayed has a record that was opened come again, after damage: it is returned once.
func TestReplayed(t *testing.T) {
	for _, s := range scenarios() {
		conv := s.record(t, []int{100, 60000, 100, 40000})
		records := conv.records()
		var last []int // of the server
		for i, r := range records {
			if r.dir == decoder.Recv {
				last = append(last, i)
			}
		}
		old, at := records[last[len(last)-5]], last[len(last)-3]
		o := &observer{t: t, conn: newConn(conv), said: conv.said}
		for _, s := range conv.secrets {
			o.conn.Secret(s.label, s.random, s.secret)
		}
		for i, r := range records {
			if i == at {
				o.conn.Missing(ktime.Time(i+1), r.dir, 1)
				o.conn.Data(ktime.Time(i+1), old.dir, old.b)
				o.drain()
			}
			o.conn.Data(ktime.Time(i+1), r.dir, r.b)
			o.drain()
		}
		if o.at[decoder.Recv] < 60000 {
			t.Errorf("%s: got %d bytes", s.name, o.at[decoder.Recv])
		}
		o.loose = true
		o.finish()
	}
}
