package verify

import (
	"bytes"
	"slices"

	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

const (
	// maxWaiting bounds the blocks and the lists of a direction that wait for their
	// counterpart, and maxBlockBytes the blocks.
	maxWaiting    = 1024
	maxBlockBytes = 1 << 20
)

// Conn verifies one connection.
type Conn struct {
	checker *Checker
	report  func(Difference)
	sides   [2]side
}

// side is one direction.
type side struct {
	blocks []*block
	lists  []*list
	bytes  int    // of blocks
	seq    uint64 // of the next list
	// unseen counts the blocks that were not seen whole: their lists come, and match
	// nothing.
	unseen int
	last   *list // the last one compared
}

// block is a field block that was decoded from the wire.
type block struct{ Block }

// Block is a decoded field block. Bytes are the whole block from the wire, nil if it
// was not seen whole. End is the end offset, in its direction, of the record that
// completed it. With Failed there are no Fields.
type Block struct {
	Time   ktime.Time
	Dir    decoder.Direction
	Stream uint32
	End    uint64
	Bytes  []byte
	Fields []hpack.HeaderField
	Failed bool
}

// Conn returns the verification of a connection. Its methods and those of the Checker
// report differences.
func (k *Checker) Conn(report func(Difference)) *Conn {
	return &Conn{checker: k, report: report}
}

// Decoded takes a decoded block. It keeps no reference to b.
func (c *Conn) Decoded(b Block) {
	s := &c.sides[b.Dir]
	if b.Bytes == nil && b.Failed {
		c.checker.Unchecked++
		s.unseen++
		return
	}
	own := &block{b}
	own.Bytes, own.Fields = bytes.Clone(b.Bytes), slices.Clone(b.Fields)
	s.blocks = append(s.blocks, own)
	s.bytes += len(own.Bytes)
	c.step(s, false)
	for len(s.blocks) > maxWaiting || s.bytes > maxBlockBytes && len(s.blocks) > 0 {
		c.dropBlocks(s, 1)
	}
}

// List takes the record that identifies the block of a list of the process.
func (c *Conn) List(r *bpf.List) {
	s := &c.sides[r.Dir]
	c.keep(s, nil)
	if r.Dir == bpf.Recv {
		if r.Seq != s.seq && r.Seq != 0 { // which block has which list is unknown
			c.dropLists(s, len(s.lists))
			c.dropBlocks(s, len(s.blocks))
		}
		if n := len(s.lists); n > 0 && r.Seq != 0 && len(s.lists[n-1].fields) != int(r.Fields) {
			c.checker.drop(s.lists[n-1]) // the last of its fields were lost
		}
		s.seq = r.Seq + 1
	}
	l := c.checker.get(r.ID)
	l.List, l.conn = *r, c
	s.lists = append(s.lists, l)
	if len(s.lists) > maxWaiting {
		c.dropLists(s, 1)
	}
	c.step(s, false)
}

// Close ends the connection: it compares what waits, as far as that is complete.
func (c *Conn) Close() {
	for d := range c.sides {
		s := &c.sides[d]
		c.step(s, true)
		c.dropBlocks(s, len(s.blocks))
		if d == bpf.Send { // encoded, and never written
			s.unseen = len(s.lists)
		}
		c.dropLists(s, len(s.lists))
		c.keep(s, nil)
	}
}

// more is called when a list of the connection has another field.
func (c *Conn) more(l *list) {
	if b := l.compared; b != nil {
		l.compared = nil
		c.differ(b, len(l.fields)-1, &l.fields[len(l.fields)-1], nil)
		return
	}
	c.step(&c.sides[l.Dir], false)
}

// step compares what is complete. all says that nothing more will come.
func (c *Conn) step(s *side, all bool) {
	for len(s.blocks) > 0 && len(s.lists) > 0 {
		first := s.blocks[0]
		i := slices.IndexFunc(s.lists, first.begins)
		if i < 0 {
			j := slices.IndexFunc(s.blocks, func(b *block) bool { return b.begins(s.lists[0]) })
			if j < 0 {
				return
			}
			c.dropBlocks(s, j)
			continue
		}
		c.dropLists(s, i)
		n, sound, ready := first.covers(s.lists, all)
		if !ready {
			return
		}
		c.compare(s, n, sound)
	}
}

// begins reports whether the list can be that of the first fragment.
func (b *block) begins(l *list) bool {
	if int(l.FragmentLength) > len(b.Bytes) || !bytes.HasPrefix(b.Bytes, l.Fragment) {
		return false
	}
	if l.Dir == bpf.Send {
		return l.Stream == b.Stream
	}
	if int(l.FragmentLength) < len(b.Bytes) {
		return l.End <= b.End
	}
	return l.End < b.End+uint64(l.Read) && b.End <= l.End
}

// covers returns how many of the lists belong to the block, and whether they hold all
// of its fields; ready says whether that is certain.
func (b *block) covers(lists []*list, all bool) (n int, sound, ready bool) {
	if l := lists[0]; l.Dir == bpf.Send {
		return 1, !l.broken && len(l.fields) == int(l.Fields), true
	}
	size, fields, sound := 0, 0, true
	for size < len(b.Bytes) {
		if n == len(lists) {
			return n, false, all
		}
		l := lists[n]
		end := size + int(l.FragmentLength)
		if end > len(b.Bytes) || !bytes.HasPrefix(b.Bytes[size:end], l.Fragment) {
			return n, false, true // a fragment is missing
		}
		size, n, fields, sound = end, n+1, fields+len(l.fields), sound && !l.broken
	}
	return max(n, 1), sound, all || !sound || b.Failed || fields >= len(b.Fields) || len(lists) > max(n, 1)
}

// compare compares the first block with the first n lists, and removes them.
func (c *Conn) compare(s *side, n int, sound bool) {
	b, lists := s.blocks[0], s.lists[:n]
	s.blocks, s.lists = s.blocks[1:], s.lists[n:]
	s.bytes -= len(b.Bytes)
	var want []hpack.HeaderField
	for _, l := range lists {
		want = append(want, l.fields...)
	}
	last := lists[n-1]
	i := same(want, b.Fields)
	switch {
	case !sound || b.Failed, last.Dir == bpf.Recv && i == len(want) && i < len(b.Fields):
		c.checker.Unchecked++ // or the process decoded no further
	default:
		c.checker.Blocks++
		c.checker.Fields += uint64(len(b.Fields))
		switch {
		case i < len(want) && i < len(b.Fields):
			c.differ(b, i, &want[i], &b.Fields[i])
		case i < len(want):
			c.differ(b, i, &want[i], nil)
		case i < len(b.Fields):
			c.differ(b, i, nil, &b.Fields[i])
		case last.Dir == bpf.Recv && !last.broken:
			last.compared = b
		}
	}
	if last.Dir == bpf.Recv { // more fields may follow
		c.keep(s, last)
		lists = lists[:n-1]
	}
	for _, l := range lists {
		c.checker.forget(l)
	}
}

// keep holds the list that was compared last.
func (c *Conn) keep(s *side, l *list) {
	if s.last != nil {
		c.checker.forget(s.last)
	}
	s.last = l
}

// same returns how many leading fields the lists share.
func same(a, b []hpack.HeaderField) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func (c *Conn) differ(b *block, i int, want, got *hpack.HeaderField) {
	c.checker.Mismatches++
	c.report(Difference{Time: b.Time, Dir: b.Dir, Stream: b.Stream, Index: i, Want: want, Got: got})
}

// dropBlocks drops the first n blocks.
func (c *Conn) dropBlocks(s *side, n int) {
	for _, b := range s.blocks[:n] {
		s.bytes -= len(b.Bytes)
	}
	s.blocks = s.blocks[n:]
	c.checker.Unchecked += uint64(n)
}

// dropLists drops the first n lists. Lists without a block belong to blocks that
// h2trace has not decoded at all.
func (c *Conn) dropLists(s *side, n int) {
	for _, l := range s.lists[:n] {
		c.checker.forget(l)
	}
	s.lists = s.lists[n:]
	known := min(n, s.unseen)
	s.unseen -= known
	c.checker.Unchecked += uint64(n - known)
}
