package decoder

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// sentBlock is a block of a story, with the state of its encoder.
type sentBlock struct {
	fields     []hpack.HeaderField
	start, end int // of its HEADERS frame in the story
	snapshot   Snapshot
}

// story is the output of a client: blocks that refer to one another, in frames of all forms,
// between bodies.
func story(t testing.TB) (sent []byte, blocks []sentBlock) {
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	reference := fieldTable{}
	reference.reset("")
	for i := range 24 {
		var b sentBlock
		stream := uint32(2*i + 101)
		b.snapshot = Snapshot{MaxSize: defaultTable, StreamID: stream, Entries: known(t, &reference)}
		buf.Reset()
		for _, f := range []hpack.HeaderField{
			{Name: ":method", Value: "GET"},
			{Name: ":authority", Value: "goproxy.example"},
			{Name: ":path", Value: fmt.Sprintf("/module/%d", i/3)},
			{Name: "x-round", Value: fmt.Sprintf("%0*d", 300, i/2)}, // evictions
		} {
			b.fields = append(b.fields, f)
			b.snapshot.Fields++
			b.snapshot.Size += uint64(f.Size())
			if err := enc.WriteField(f); err != nil {
				t.Fatal(err)
			}
		}
		if _, message, _ := reference.decode(buf.Bytes(), defaultBlock); message != "" {
			t.Fatal(message)
		}
		sent = append(sent, wire(TypeData, 0, stream-2, bytes.Repeat([]byte{byte(i)}, 700+i))...)
		fragment, payload, flags, rest := buf.Bytes(), []byte(nil), FlagEndHeaders, []byte(nil)
		switch i % 4 {
		case 1:
			flags |= FlagPadded
			payload = append([]byte{9}, fragment...)
			payload = append(payload, make([]byte, 9)...)
		case 2:
			flags |= FlagPriority
			payload = append([]byte{0, 0, 0, 0, 16}, fragment...)
		case 3:
			flags = 0
			half := len(fragment) / 2
			fragment, rest = fragment[:half], fragment[half:]
		}
		if payload == nil {
			payload = fragment
		}
		b.snapshot.Fragment = bytes.Clone(fragment[:min(len(fragment), 256)])
		b.snapshot.FragmentLength = uint32(len(fragment))
		b.start = len(sent)
		sent = append(sent, wire(TypeHeaders, flags, stream, payload)...)
		b.end = len(sent)
		if rest != nil {
			sent = append(sent, wire(TypeContinuation, FlagEndHeaders, stream, rest)...)
		}
		blocks = append(blocks, b)
	}
	return sent, blocks
}

// known returns the entries of a table, oldest first.
func known(t testing.TB, table *fieldTable) []hpack.HeaderField {
	t.Helper()
	list, _ := entries(t, table)
	slices.Reverse(list)
	return list
}

// joinAt decodes a story from offset from on, in pieces of the given size. It passes the
// snapshot at offset given.
func joinAt(t *testing.T, sent []byte, from, given, piece int, s Snapshot) (*recorder, *Conn) {
	t.Helper()
	r := &recorder{}
	c := NewConn(Config{Role: Server}, r)
	feed := func(b []byte, piece int) {
		for len(b) > 0 {
			n := min(piece, len(b))
			c.Data(1, Recv, b[:n])
			b = b[n:]
		}
	}
	feed(sent[from:given], piece)
	if err := c.Recover(1, Recv, s); err != nil {
		t.Fatal(err)
	}
	feed(sent[given:], piece)
	c.Close(2)
	return r, c
}

// TestRecover joins in the middle and passes the table of each block in turn. From that block
// on, every list is known and correct.
func TestRecover(t *testing.T) {
	sent, blocks := story(t)
	for k, b := range blocks {
		for _, test := range []struct {
			name        string
			from, given int // of the story
			place, to   int // of the frame, by place, in the story
		}{
			{"in step, by stream", blocks[max(0, k-6)].start, b.start, 0, 0},
			{"in step, by place", blocks[max(0, k-6)].start, b.start, b.start, b.end},
			{"in step, by place, ahead", blocks[max(0, k-6)].start, blocks[max(0, k-6)].start, b.start, b.end},
			{"in step, by its begin", blocks[max(0, k-6)].start, b.start, b.start, 0},
			{"in step, by its begin, ahead", blocks[max(0, k-6)].start, max(blocks[max(0, k-6)].start, b.start-20), b.start, 0},
			{"inside a body, by stream", b.start - 100, b.start - 50, 0, 0},
			{"inside a body, by place", b.start - 100, b.start - 50, b.start - 50, b.end},
			{"inside a body, by place, ahead", b.start - 100, b.start - 100, b.start - 50, b.end},
			{"inside a body, by its begin", b.start - 100, b.start - 50, b.start, 0},
			{"at the frame, by place", b.start, b.start + 9, b.start + 9, b.end},
			{"at the frame, by its begin", b.start, b.start, b.start, 0},
		} {
			for _, piece := range []int{1, 7, 64, len(sent)} {
				s := b.snapshot
				if test.place > 0 {
					s.StreamID, s.From, s.To = 0, int64(test.place-test.from), int64(max(0, test.to-test.from))
				}
				if test.to > 0 && piece == len(sent) && k+1 < len(blocks) {
					s.To += 300 // a read that includes bytes of the next body
				}
				r, c := joinAt(t, sent, test.from, test.given, piece, s)
				name := fmt.Sprintf("block %d %s, pieces of %d", k, test.name, piece)
				if !c.TableKnown(Recv) {
					t.Fatalf("%s: the table is not known:\n%v", name, r.lines)
				}
				if len(r.violations) > 0 {
					t.Fatalf("%s: violations %v", name, r.violations)
				}
				want := blocks[k:]
				if len(r.headers) < len(want) {
					t.Fatalf("%s: got %d header lists, want %d", name, len(r.headers), len(want))
				}
				got := r.headers[len(r.headers)-len(want):]
				for i := range want {
					if diff := cmp.Diff(want[i].fields, got[i]); diff != "" {
						t.Fatalf("%s: block %d: %v", name, k+i, diff)
					}
				}
			}
		}
	}
}

// TestRecoverRefused passes tables that are not those of the block. No list is wrong, no
// violation is reported, and the table stays unknown.
func TestRecoverRefused(t *testing.T) {
	sent, blocks := story(t)
	const k = 12
	b := blocks[k]
	at := int64(b.start - blocks[k-6].start)
	for _, test := range []struct {
		name   string
		change func(*Snapshot)
	}{
		{"table of an earlier block", func(s *Snapshot) { s.Entries = blocks[k-8].snapshot.Entries }},
		{"no entries", func(s *Snapshot) { s.Entries = nil }},
		{"other fragment", func(s *Snapshot) { s.Fragment = append([]byte{0}, s.Fragment[1:]...) }},
		{"other length", func(s *Snapshot) { s.FragmentLength++ }},
		{"other stream", func(s *Snapshot) { s.StreamID = 99 }},
		{"more fields", func(s *Snapshot) { s.Fields++ }},
		{"longer fields", func(s *Snapshot) { s.Size++ }},
		{"too early", func(s *Snapshot) { s.StreamID, s.From = 0, at; s.To = at + 20 }},
		{"no frame begins there", func(s *Snapshot) { s.StreamID, s.From = 0, at+1 }},
		{"a frame of another kind begins there", func(s *Snapshot) { s.StreamID, s.From = 0, at+int64(b.end-b.start) }},
		{"in bytes to come that are too few", func(s *Snapshot) { s.StreamID, s.From = 0, at+1000; s.To = at + 1020 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := b.snapshot
			test.change(&s)
			r, c := joinAt(t, sent, blocks[k-6].start, b.start, 1000, s)
			if c.TableKnown(Recv) {
				t.Error("the table is known")
			}
			if len(r.violations) > 0 {
				t.Errorf("violations %v", r.violations)
			}
			for i, got := range r.headers {
				want := blocks[len(blocks)-len(r.headers)+i].fields
				if r.errors[i] == "" && !cmp.Equal(want, got) {
					t.Errorf("block: got %v, want %v", got, want)
				}
			}
		})
	}
}

// TestRecoverAmbiguous has a body with a copy of the frame.
func TestRecoverAmbiguous(t *testing.T) {
	sent, blocks := story(t)
	b := blocks[12]
	frame := sent[b.start:b.end]
	var read []byte
	read = append(read, frame...)
	read = append(read, frame...)
	s := b.snapshot
	s.StreamID, s.From, s.To = 0, 40, 40+int64(len(read))
	r := &recorder{}
	c := NewConn(Config{Role: Server}, r)
	c.Data(1, Recv, make([]byte, 40)) // the body's beginning
	if err := c.Recover(1, Recv, s); err != nil {
		t.Fatal(err)
	}
	c.Data(1, Recv, read)
	if c.TableKnown(Recv) || len(r.headers) > 0 {
		t.Errorf("one of two was believed: %v", r.lines)
	}
}

func TestRecoverErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  Config
		s    Snapshot
		want error
	}{
		{"larger than its maximum", Config{Role: Server}, Snapshot{Entries: []hpack.HeaderField{{Name: "a"}}, MaxSize: 32, StreamID: 1}, errTableSize},
		{"nowhere", Config{Role: Server}, Snapshot{From: 7, To: 7}, errSnapshotWhere},
		{"seen from its start", Config{Role: Server, FromStart: true}, Snapshot{StreamID: 1}, errSeenFromStart},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewConn(test.cfg, &recorder{})
			if err := c.Recover(1, Recv, test.s); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// FuzzRecover passes a snapshot somewhere in bytes that may or may not match it.
func FuzzRecover(f *testing.F) {
	sent, blocks := story(f)
	b := blocks[8]
	f.Add(sent[b.start-200:b.end+400], b.snapshot.Fragment, uint16(b.snapshot.FragmentLength), b.snapshot.StreamID, uint16(0), uint16(0), uint16(150))
	f.Add(sent[b.start:b.end], b.snapshot.Fragment, uint16(b.snapshot.FragmentLength), uint32(0), uint16(0), uint16(b.end-b.start), uint16(0))
	f.Add(sent[b.start-50:b.end], b.snapshot.Fragment, uint16(b.snapshot.FragmentLength), uint32(0), uint16(50), uint16(0), uint16(20))
	f.Fuzz(func(t *testing.T, data, fragment []byte, length uint16, stream uint32, from, to, at uint16) {
		given := min(int(at), len(data))
		s := Snapshot{
			Entries: blocks[8].snapshot.Entries, MaxSize: defaultTable,
			Fragment: fragment, FragmentLength: uint32(length), StreamID: stream, From: int64(from), To: int64(to),
		}
		c := NewConn(Config{Role: Server}, &recorder{})
		c.Data(1, Recv, data[:given])
		if c.Recover(1, Recv, s) == nil {
			c.Data(1, Recv, data[given:])
			c.Skip(1, Recv, 3)
			c.Gap(1, Recv, -1)
		}
		c.Close(2)
	})
}

// TestRecoverPassed passes the table of a later place. Bytes before that place are missing, or
// bytes of the read with the block.
func TestRecoverPassed(t *testing.T) {
	sent, blocks := story(t)
	const k = 12
	b, from := blocks[k], blocks[k-6].start
	for _, test := range []struct {
		name     string
		out, end int // missing bytes of the story
		lost     bool
		place    int
		want     bool
	}{
		{"left out before it", b.start - 300, b.start - 200, false, b.start - 100, true},
		{"left out up to it", b.start - 300, b.start, false, b.start, true},
		{"left out of its read", b.start - 300, b.start - 100, false, b.start - 200, true},
		{"left out, it is passed", b.start - 300, b.start, false, b.start - 1, true},
		{"lost before it", b.start - 300, b.start - 200, true, b.start - 100, true},
		{"lost up to it", b.start - 300, b.start, true, b.start, true},
		{"lost frames up to it", b.start - 1200, b.start, true, b.start, true},
		{"lost of its read", b.start - 300, b.start - 100, true, b.start - 200, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &recorder{}
			c := NewConn(Config{Role: Server}, r)
			s := b.snapshot
			s.StreamID, s.From, s.To = 0, int64(test.place-from), int64(b.end-from)
			if err := c.Recover(1, Recv, s); err != nil {
				t.Fatal(err)
			}
			c.Data(1, Recv, sent[from:test.out])
			if n := int64(test.end - test.out); test.lost {
				c.Gap(1, Recv, n)
			} else {
				c.Skip(1, Recv, n)
			}
			c.Data(1, Recv, sent[test.end:])
			if got := c.TableKnown(Recv); got != test.want || len(r.violations) > 0 {
				t.Errorf("the table is known: %t, want %t; violations %v", got, test.want, r.violations)
			}
			c.Close(2)
		})
	}
}
