package trace

import (
	"slices"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// maxPlaced bounds the samples of a connection whose places are not opened yet.
const maxPlaced = 64

// streamPlace is a place in what a process has read or written on a connection that
// arrives as segments: so many bytes before an offset. With TLS, the offset is one of the
// ciphertext, where a record ends, and the bytes are plaintext.
type streamPlace struct{ offset, before int64 }

// sample is what was copied from the memory of a process: a table of a received block, or
// windows.
type sample struct {
	at      ktime.Time
	places  [2]streamPlace // by direction, of a table only that of bpf.Recv
	table   *decoder.Snapshot
	windows *decoder.WindowSample
	streams int // of windows: how many were requested
}

// carrier is the stream that a connection arrives in.
func (c *tracedConn) carrier() *wireConn {
	if c.outer != nil {
		return c.outer.wire
	}
	return c.wire
}

// streamPlace returns the place that a sequence number of a direction names. Its start is
// known.
func (c *tracedConn) streamPlace(dir int, seq uint32, before int64) streamPlace {
	w, d := c.carrier(), decoder.Direction(dir)
	offset := w.place(dir, seq, w.at[dir])
	switch {
	case c.outer != nil: // what precedes the tunnel is not of it
		offset += c.wire.tls.Taken(d) - int64(c.outer.decodedUpTo(d))
	case w.tls != nil: // it gets no greetings of proxies
		offset += w.tls.Taken(d) - int64(w.at[dir])
	}
	return streamPlace{offset, before}
}

// sampled takes a sample. With TLS it waits until the records before its places are opened.
func (r *recovery) sampled(c *tracedConn, s *sample) {
	m := c.missing
	if len(m.placed) == maxPlaced { // few of them are tables
		oldest := max(0, slices.IndexFunc(m.placed, func(s sample) bool { return s.windows != nil }))
		m.placed = slices.Delete(m.placed, oldest, oldest+1)
	}
	m.placed = append(m.placed, *s)
	c.usePlaced()
}

// usePlaced gives the decoder the samples whose places are known by now. It drops those
// whose places will never be.
func (c *tracedConn) usePlaced() {
	for i := 0; c.missing != nil && i < len(c.missing.placed); {
		m := c.missing
		s := m.placed[i]
		at, found := c.placesOf(&s)
		if found == tls.PlaceAhead {
			i++
			continue
		}
		m.placed = slices.Delete(m.placed, i, i+1)
		if found == tls.PlaceFound {
			c.useSample(&s, at)
		}
	}
}

// placesOf returns the places of a sample as the decoder counts them.
func (c *tracedConn) placesOf(s *sample) (at [2]int64, found tls.Lookup) {
	found = tls.PlaceFound
	for dir, p := range s.places {
		offset, ok := p.offset, tls.PlaceFound
		switch {
		case dir == bpf.Send && s.table != nil:
			continue
		case c.wire.tls != nil:
			var since int64
			since, ok = c.wire.tls.Place(decoder.Direction(dir), p.offset)
			offset = int64(c.next[dir].offset) - since
		}
		found = min(found, ok)
		at[dir] = c.decoderPlace(dir, offset-p.before)
	}
	return at, found
}

// useSample gives the decoder a sample. After a table it decodes what it holds.
func (c *tracedConn) useSample(s *sample, at [2]int64) {
	if s.table != nil {
		s.table.From = at[bpf.Recv]
		c.recover(s.at, bpf.Recv, *s.table)
		c.release()
		return
	}
	s.windows.At = at
	c.decoder.Windows(*s.windows)
	if s.windows.Listed == c.missing.windows.Listing {
		c.missing.windows.Held(s.streams)
	}
}
