package verify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/decoder"
)

// script drives a Checker with the records and frames of one connection.
type script struct {
	*Checker
	conn *Conn
	got  []string
	id   uint64
	seq  uint64
	had  int // fields of the last received list
}

func newScript() *script {
	s := &script{Checker: NewChecker()}
	s.conn = s.Conn(func(d Difference) {
		s.got = append(s.got, fmt.Sprintf("%s %d [%d] %s / %s", d.Dir, d.Stream, d.Index, spell(d.Want), spell(d.Got)))
	})
	return s
}

func spell(h *hpack.HeaderField) string {
	if h == nil {
		return "-"
	}
	return h.Name + "=" + h.Value
}

// fields parses a list such as "a=1 b=2".
func fields(list string) []hpack.HeaderField {
	var out []hpack.HeaderField
	for _, word := range strings.Fields(list) {
		name, value, _ := strings.Cut(word, "=")
		out = append(out, hpack.HeaderField{Name: name, Value: value})
	}
	return out
}

func (s *script) fields(list string) {
	for i, f := range fields(list) {
		s.Field(&bpf.Field{
			List: s.id, Index: uint32(i), Whole: true,
			Name: f.Name, Value: f.Value, NameLen: uint32(len(f.Name)), ValueLen: uint32(len(f.Value)),
		})
	}
}

// encoded reports a sent block of the process.
func (s *script) encoded(stream uint32, bytes, list string) {
	s.id++
	s.fields(list)
	s.conn.List(&bpf.List{
		Dir: bpf.Send, ID: s.id, Stream: stream, Fields: uint32(len(fields(list))),
		Fragment: []byte(bytes), FragmentLength: uint32(len(bytes)),
	})
}

// received reports a fragment in the last read of the process before end.
func (s *script) received(end uint64, bytes, list string) {
	s.id++
	s.conn.List(&bpf.List{
		Dir: bpf.Recv, ID: s.id, Seq: s.seq, End: end, Read: 100, Fields: uint32(s.had),
		Fragment: []byte(bytes), FragmentLength: uint32(len(bytes)),
	})
	s.seq++
	s.had = len(fields(list))
	s.fields(list)
}

// decoded has h2trace decode a block. Without a list, h2trace cannot decode the block.
func (s *script) decoded(dir decoder.Direction, stream uint32, end uint64, bytes, list string) {
	b := Block{Dir: dir, Stream: stream, End: end, Fields: fields(list), Failed: list == ""}
	if bytes != "" {
		b.Bytes = []byte(bytes)
	}
	s.conn.Decoded(b)
}

const send, recv = decoder.Send, decoder.Recv

func TestChecker(t *testing.T) {
	tests := []struct {
		name   string
		run    func(s *script)
		want   []string
		totals Totals
	}{
		{"sent", func(s *script) {
			s.encoded(1, "A", "a=1 b=2")
			s.decoded(send, 1, 10, "A", "a=1 b=2")
		}, nil, Totals{Blocks: 1, Fields: 2}},
		{"sent, another value", func(s *script) {
			s.encoded(1, "A", "a=1 b=2 c=3")
			s.decoded(send, 1, 10, "A", "a=1 b=x c=y")
		}, []string{"send 1 [1] b=2 / b=x"}, Totals{Blocks: 1, Fields: 3, Mismatches: 1}},
		{"sent, a field too few", func(s *script) {
			s.encoded(1, "A", "a=1 b=2")
			s.decoded(send, 1, 10, "A", "a=1")
		}, []string{"send 1 [1] b=2 / -"}, Totals{Blocks: 1, Fields: 1, Mismatches: 1}},
		{"sent, a field too many", func(s *script) {
			s.encoded(1, "A", "a=1")
			s.decoded(send, 1, 10, "A", "a=1 b=2")
		}, []string{"send 1 [1] - / b=2"}, Totals{Blocks: 1, Fields: 2, Mismatches: 1}},
		{"sent, a field lost", func(s *script) {
			s.id++
			s.Field(&bpf.Field{List: s.id, Index: 1, Whole: true, Name: "b", Value: "2", NameLen: 1, ValueLen: 1})
			s.conn.List(&bpf.List{Dir: bpf.Send, ID: s.id, Stream: 1, Fields: 2, Fragment: []byte("A"), FragmentLength: 1})
			s.decoded(send, 1, 10, "A", "a=1 b=2")
		}, nil, Totals{Unchecked: 1}},
		{"sent, the last field lost", func(s *script) {
			s.id++
			s.fields("a=1")
			s.conn.List(&bpf.List{Dir: bpf.Send, ID: s.id, Stream: 1, Fields: 2, Fragment: []byte("A"), FragmentLength: 1})
			s.decoded(send, 1, 10, "A", "a=1 b=2")
		}, nil, Totals{Unchecked: 1}},
		{"sent, several before they are written", func(s *script) {
			s.encoded(1, "A", "a=1")
			s.encoded(3, "A", "a=1 c=1")
			s.encoded(1, "T", "t=1")
			s.decoded(send, 1, 10, "A", "a=1")
			s.decoded(send, 3, 20, "A", "a=1 c=1")
			s.decoded(send, 1, 30, "T", "t=2")
		}, []string{"send 1 [0] t=1 / t=2"}, Totals{Blocks: 3, Fields: 4, Mismatches: 1}},
		{"sent, never written", func(s *script) { s.encoded(1, "A", "a=1") }, nil, Totals{}},
		{"sent, begun before the capture", func(s *script) {
			s.decoded(send, 1, 10, "A", "a=1")
			s.encoded(3, "B", "a=1")
			s.decoded(send, 3, 20, "B", "a=1")
		}, nil, Totals{Blocks: 1, Fields: 1, Unchecked: 1}},
		{"sent, not decoded at all", func(s *script) {
			s.encoded(1, "A", "a=1")
			s.encoded(3, "B", "b=1")
			s.decoded(send, 3, 20, "B", "b=1")
		}, nil, Totals{Blocks: 1, Fields: 1, Unchecked: 1}},
		{"sent, seen in part", func(s *script) {
			s.encoded(1, "A", "a=1")
			s.decoded(send, 1, 10, "", "")
			s.encoded(3, "B", "b=1")
			s.decoded(send, 3, 20, "B", "b=1")
		}, nil, Totals{Blocks: 1, Fields: 1, Unchecked: 1}},
		{"sent, table unknown", func(s *script) {
			s.encoded(1, "A", "a=1")
			s.decoded(send, 1, 10, "A", "")
		}, nil, Totals{Unchecked: 1}},
		{"received", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1 b=2")
			s.received(50, "A", "a=1 b=2")
		}, nil, Totals{Blocks: 1, Fields: 2}},
		{"received, decoded later", func(s *script) {
			s.received(50, "A", "a=1 b=2")
			s.decoded(recv, 1, 50, "A", "a=1 b=2")
		}, nil, Totals{Blocks: 1, Fields: 2}},
		{"received, another name", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1 b=2")
			s.received(50, "A", "a=1 c=2")
		}, []string{"recv 1 [1] c=2 / b=2"}, Totals{Blocks: 1, Fields: 2, Mismatches: 1}},
		{"received, a field too few", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1")
			s.received(50, "A", "a=1 b=2 c=3")
		}, []string{"recv 1 [1] b=2 / -"}, Totals{Blocks: 1, Fields: 1, Mismatches: 1}},
		{"received, given up by the process", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1 b=2")
			s.received(50, "A", "a=1")
			s.decoded(recv, 3, 60, "B", "b=1")
			s.received(60, "B", "b=1")
		}, nil, Totals{Blocks: 1, Fields: 1, Unchecked: 1}},
		{"received in fragments", func(s *script) {
			s.decoded(recv, 1, 90, "ABC", "a=1 b=2 c=3")
			s.received(40, "A", "a=1")
			s.received(60, "B", "")
			s.received(90, "C", "b=2 c=3")
			s.decoded(recv, 3, 99, "D", "d=1")
			s.received(99, "D", "d=1")
		}, nil, Totals{Blocks: 2, Fields: 4}},
		{"received in fragments, the last field of one lost", func(s *script) {
			s.decoded(recv, 1, 90, "AB", "a=1 b=2 c=3 d=4")
			s.received(40, "A", "a=1")
			s.had = 2
			s.received(90, "B", "c=3 d=4")
			s.decoded(recv, 3, 99, "C", "c=1")
			s.received(99, "C", "c=1")
		}, nil, Totals{Blocks: 1, Fields: 1, Unchecked: 1}},
		{"received by another goroutine", func(s *script) {
			s.decoded(recv, 1, 90, "AB", "a=1 b=2")
			s.received(40, "A", "a=1")
			s.seq, s.had = 0, 0
			s.received(90, "B", "b=2")
		}, nil, Totals{Blocks: 1, Fields: 2}},
		{"received, alike, in one read", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1")
			s.decoded(recv, 3, 60, "A", "a=2")
			s.received(60, "A", "a=1")
			s.received(60, "A", "a=2")
		}, nil, Totals{Blocks: 2, Fields: 2}},
		{"received, alike, of another read", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1")
			s.received(250, "A", "a=2")
			s.decoded(recv, 3, 250, "A", "a=2")
		}, nil, Totals{Blocks: 1, Fields: 1, Unchecked: 1}},
		{"received, a list lost", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1")
			s.decoded(recv, 3, 50, "A", "a=2")
			s.seq++
			s.received(50, "A", "a=2")
			s.decoded(recv, 5, 60, "A", "a=2")
			s.received(60, "A", "a=2")
		}, nil, Totals{Blocks: 1, Fields: 1, Unchecked: 3}},
		{"received, not decoded at all", func(s *script) { s.received(50, "A", "a=1") }, nil, Totals{Unchecked: 1}},
		{"nothing reported", func(s *script) {
			s.decoded(recv, 1, 50, "A", "a=1")
			s.decoded(send, 1, 50, "A", "a=1")
		}, nil, Totals{Unchecked: 2}},
		{"no fields", func(s *script) {
			s.encoded(1, "", "")
			s.conn.Decoded(Block{Dir: send, Stream: 1})
			s.received(50, "", "")
			s.conn.Decoded(Block{Dir: recv, Stream: 1, End: 50})
		}, nil, Totals{Blocks: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript()
			tt.run(s)
			s.conn.Close()
			if diff := cmp.Diff(tt.want, s.got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.totals, s.Totals); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
			if len(s.lists) > 0 || s.bytes != 0 {
				t.Errorf("%d lists of %d bytes are held on to", len(s.lists), s.bytes)
			}
		})
	}
}

// TestPieces compares a field that comes in pieces, and one with a missing piece.
func TestPieces(t *testing.T) {
	value := strings.Repeat("0123456789", 1000)
	for _, missing := range []bool{false, true} {
		s := newScript()
		s.id++
		joined := "name" + value
		for at := 0; at < len(joined); at += 4096 {
			if missing && at == 4096 {
				continue
			}
			s.Field(&bpf.Field{
				List: s.id, NameLen: 4, ValueLen: uint32(len(value)), Sensitive: true,
				At: uint32(at), Text: []byte(joined[at:min(at+4096, len(joined))]),
			})
		}
		s.conn.List(&bpf.List{Dir: bpf.Send, ID: s.id, Stream: 1, Fields: 1, Fragment: []byte("A"), FragmentLength: 1})
		s.conn.Decoded(Block{Dir: send, Stream: 1, Bytes: []byte("A"), Fields: []hpack.HeaderField{{Name: "name", Value: value, Sensitive: true}}})
		want := Totals{Blocks: 1, Fields: 1}
		if missing {
			want = Totals{Unchecked: 1}
		}
		if diff := cmp.Diff(want, s.Totals); diff != "" || len(s.got) > 0 {
			t.Errorf("missing %t: %v\n%s", missing, s.got, diff)
		}
	}
}

// TestBounds feeds lists and blocks without counterparts: memory stays bounded, and
// all are counted.
func TestBounds(t *testing.T) {
	s := newScript()
	const n = 20_000
	huge := strings.Repeat("x", 64<<10)
	for i := range n {
		s.decoded(recv, uint32(i), 1, "A"+huge[:i%1000], "a=1")
		s.encoded(uint32(i), "B", "b=1")
		s.id++ // of no connection
		s.Field(&bpf.Field{List: s.id, Whole: true, Name: "n", Value: huge, NameLen: 1, ValueLen: uint32(len(huge))})
		if len(s.lists) > maxLists || s.bytes > maxBytes+len(huge)+64 || len(s.order) > 2*maxLists {
			t.Fatalf("%d lists of %d bytes, %d in order", len(s.lists), s.bytes, len(s.order))
		}
		for d := range s.conn.sides {
			if side := &s.conn.sides[d]; len(side.blocks) > maxWaiting || len(side.lists) > maxWaiting || side.bytes > maxBlockBytes {
				t.Fatalf("%d blocks of %d bytes and %d lists wait", len(side.blocks), side.bytes, len(side.lists))
			}
		}
	}
	s.conn.Close()
	// The process encoded a block that was dropped for lack of room. It had not written
	// that block either, but that was unknown then.
	if want := uint64(n + n - maxWaiting); s.Unchecked != want || len(s.got) > 0 {
		t.Errorf("%d blocks unchecked, want %d; %d differences", s.Unchecked, want, len(s.got))
	}
}
