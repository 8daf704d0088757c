package http2debug

import "h2trace/cmd/h2trace/internal/testkit/wire"

// Attribute returns the header list of each field block in events, keyed by the frame
// that ends the block. The caller guarantees that every field line in events is of c,
// because no other connection was at work. Attribute skips frames of others.
func Attribute(events []Event, c *Conn) map[*Frame][]Field {
	out := make(map[*Frame][]Field)
	var encoded []Field // lines that wait for "wrote HEADERS"
	var block [2]struct {
		fields []Field
		open   bool   // decoding: more lines can come
		end    *Frame // with END_HEADERS
	}
	close := func(d wire.Dir) {
		if b := &block[d]; b.end != nil {
			out[b.end] = b.fields
			b.fields, b.open, b.end = nil, false, nil
		}
	}
	for _, e := range events {
		switch {
		case e.Field != nil && e.Field.Kind == Decoded:
			if b := &block[wire.Recv]; b.open {
				b.fields = append(b.fields, *e.Field)
			}
		case e.Field != nil:
			encoded = append(encoded, *e.Field)
		case e.Conn == c:
			d, f := e.Frame.Dir, e.Frame
			if f.Type != wire.Continuation {
				close(d)
			}
			b := &block[d]
			if f.Type == wire.Headers || f.Type == wire.PushPromise {
				b.open = true
				if d == wire.Send {
					b.fields, encoded = encoded, nil
				}
			}
			if f.EndsBlock() {
				b.end = f
			}
		}
	}
	close(wire.Send)
	close(wire.Recv)
	return out
}
