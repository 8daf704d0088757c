package oracle

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"h2trace/cmd/h2trace/internal/testkit/http2debug"
	"h2trace/cmd/h2trace/internal/testkit/wire"
)

// maxStates bounds the attributions that are still possible at one line.
const maxStates = 4096

// CheckHeaders proves that the header lines of the log are exactly the header lists
// of the trace, in order. The lines name no connection, but each must be the next
// field of some block that is then being encoded or decoded. The frame lines name
// their Framer, and say when a block must be complete. CheckHeaders follows all
// attributions at once; one must reach the end of the log.
func CheckHeaders(pairs []*Pair, log *http2debug.Log) error {
	for _, kind := range []http2debug.FieldKind{http2debug.ClientEncoding, http2debug.ServerEncoding, http2debug.Decoded} {
		w, err := newWeave(kind, pairs)
		if err != nil {
			return err
		}
		for _, e := range log.Events {
			if err := w.event(e); err != nil {
				return fmt.Errorf("%s, log line %d: %w", kind, e.Line, err)
			}
		}
		if err := w.end(); err != nil {
			return fmt.Errorf("%s, end of log: %w", kind, err)
		}
	}
	return nil
}

// block is a header list of the trace.
type block struct {
	fields []http2debug.Field
	line   int
}

// strand is the blocks of one connection in one direction.
type strand struct {
	pair   *Pair
	blocks []block
	next   int  // the block that lines may belong to
	open   bool // decoding only: its HEADERS have been read
}

// weave is a set of strands whose lines the log mixes.
type weave struct {
	kind    http2debug.FieldKind
	dir     wire.Dir
	strands []*strand
	byConn  map[*http2debug.Conn]int
	// states are the possible attributions so far: for each strand, the number of
	// matched fields in its current block.
	states [][]int
}

func newWeave(kind http2debug.FieldKind, pairs []*Pair) (*weave, error) {
	w := &weave{kind: kind, dir: wire.Send, byConn: make(map[*http2debug.Conn]int)}
	if kind == http2debug.Decoded {
		w.dir = wire.Recv
	}
	for _, p := range pairs {
		if kind == http2debug.ClientEncoding && !p.Log.Client() ||
			kind == http2debug.ServerEncoding && p.Log.Client() {
			continue
		}
		s := &strand{pair: p}
		for _, f := range p.frames[w.dir] {
			if !f.EndsBlock() {
				continue
			}
			e := f.event
			if e.HeadersError != "" || e.Headers == nil {
				return nil, fmt.Errorf("line %d: no headers (headers_error %q)", e.Line, e.HeadersError)
			}
			b := block{line: e.Line}
			for i := range e.Headers {
				f := http2debug.Field{Field: e.Headers[i].Field(), Kind: kind}
				// Only decoded fields are logged with their sensitivity.
				f.Sensitive = kind == http2debug.Decoded && e.Headers[i].NeverIndexed
				b.fields = append(b.fields, f)
			}
			s.blocks = append(s.blocks, b)
		}
		w.byConn[p.Log] = len(w.strands)
		w.strands = append(w.strands, s)
	}
	w.states = [][]int{make([]int, len(w.strands))}
	return w, nil
}

func (w *weave) event(e http2debug.Event) error {
	if e.Field != nil {
		if e.Field.Kind != w.kind {
			return nil
		}
		return w.field(e.Field)
	}
	i, ok := w.byConn[e.Conn]
	if !ok || e.Frame.Dir != w.dir {
		return nil
	}
	s := w.strands[i]
	begins := e.Frame.Type == wire.Headers || e.Frame.Type == wire.PushPromise
	switch {
	case w.dir == wire.Send && begins:
		return w.complete(i) // encoded before it is written
	case w.dir == wire.Recv && s.open && e.Frame.Type != wire.Continuation:
		if err := w.complete(i); err != nil {
			return err
		}
		s.open = begins
	case w.dir == wire.Recv && begins:
		s.open = true
	}
	return nil
}

// field moves every state to those in which one open block takes the line.
func (w *weave) field(f *http2debug.Field) error {
	var next [][]int
	for _, st := range w.states {
		for i, s := range w.strands {
			if !w.takes(s, st[i], *f) {
				continue
			}
			to := slices.Clone(st)
			to[i]++
			if !slices.ContainsFunc(next, func(o []int) bool { return slices.Equal(o, to) }) {
				next = append(next, to)
			}
		}
	}
	if len(next) == 0 {
		return w.unexpected(f)
	}
	if len(next) > maxStates {
		return errors.New("too many connections encode the same fields at once")
	}
	w.states = next
	return nil
}

func (w *weave) takes(s *strand, at int, f http2debug.Field) bool {
	if w.dir == wire.Recv && !s.open || s.next >= len(s.blocks) {
		return false
	}
	fields := s.blocks[s.next].fields
	return at < len(fields) && fields[at] == f
}

// complete keeps the states in which the current block of strand i is whole, and
// advances to its next block.
func (w *weave) complete(i int) error {
	s := w.strands[i]
	if s.next >= len(s.blocks) {
		if s.pair.Tail[w.dir] > 0 {
			return nil
		}
		return fmt.Errorf("%s has only %d blocks", s.pair.Trace.ID, len(s.blocks))
	}
	b := s.blocks[s.next]
	var next [][]int
	got := 0
	for _, st := range w.states {
		got = max(got, st[i])
		if st[i] != len(b.fields) {
			continue
		}
		st[i] = 0
		if !slices.ContainsFunc(next, func(o []int) bool { return slices.Equal(o, st) }) {
			next = append(next, st)
		}
	}
	if len(next) == 0 {
		return fmt.Errorf("%s line %d: the log has %d of its %d fields, next would be %s",
			s.pair.Trace.ID, b.line, got, len(b.fields), b.fields[min(got, len(b.fields)-1)])
	}
	w.states = next
	s.next++
	return nil
}

// unexpected returns what each open block would have taken instead.
func (w *weave) unexpected(f *http2debug.Field) error {
	var b strings.Builder
	fmt.Fprintf(&b, "no block of the trace goes on with %s", f.Field)
	for _, st := range w.states {
		for i, s := range w.strands {
			if w.dir == wire.Recv && !s.open || s.next >= len(s.blocks) {
				continue
			}
			bl := s.blocks[s.next]
			if st[i] < len(bl.fields) {
				fmt.Fprintf(&b, "\n  %s line %d field %d: %s", s.pair.Trace.ID, bl.line, st[i], bl.fields[st[i]])
			} else {
				fmt.Fprintf(&b, "\n  %s line %d is complete with %d fields", s.pair.Trace.ID, bl.line, st[i])
			}
		}
		if b.Len() > 4096 {
			break
		}
	}
	return errors.New(b.String())
}

// end requires that every block of the trace has had its lines.
func (w *weave) end() error {
	for i, s := range w.strands {
		if s.open {
			if err := w.complete(i); err != nil {
				return err
			}
		}
		left := len(s.blocks) - s.next
		if left > 0 && s.pair.Tail[w.dir] == 0 {
			return fmt.Errorf("%s line %d: block without a line in the log", s.pair.Trace.ID, s.blocks[s.next].line)
		}
	}
	return nil
}
