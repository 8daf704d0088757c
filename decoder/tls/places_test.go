package tls_test

import (
	mathrand "math/rand/v2"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// ends says how much plaintext precedes the end of each record, by direction and offset
// of the ciphertext.
type ends [2]map[int64]int64

// endsOf opens a conversation record by record.
func endsOf(conv *conversation) ends {
	e := ends{{}, {}}
	c, r := newConn(conv), &result{}
	r.tell(c, conv)
	for i, record := range conv.records() {
		c.Data(ktime.Time(i+1), record.dir, record.b)
		r.drain(c)
		e[record.dir][c.Taken(record.dir)] = int64(len(r.said[record.dir]))
	}
	return e
}

// place asks for an offset, and compares the answer with what was sent.
func (o *observer) place(e ends, dir decoder.Direction, offset int64) tls.Lookup {
	o.t.Helper()
	since, found := o.conn.Place(dir, offset)
	if found != tls.PlaceFound || o.gap[dir] > 0 { // what follows the gap says how long it is
		return found
	}
	if plaintext, ok := e[dir][offset]; !ok || plaintext != int64(o.at[dir])-since {
		o.t.Fatalf("%s: offset %d is %d bytes before byte %d, want it at %d, %t", dir, offset, since, o.at[dir], plaintext, ok)
	}
	return found
}

// TestPlaces asks for the end of each record, for what is none, and for what is to come.
func TestPlaces(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, sizes)
			e := endsOf(conv)
			for _, most := range []int{1000, 1 << 20} {
				o := &observer{t: t, conn: newConn(conv), said: conv.said}
				for _, s := range conv.secrets {
					o.conn.Secret(s.label, s.random, s.secret)
				}
				o.conn.KeepPlaces(true)
				for i, s := range conv.segments {
					for b := s.b; len(b) > 0; b = b[min(most, len(b)):] {
						o.conn.Data(ktime.Time(i+1), s.dir, b[:min(most, len(b))])
						o.drain()
						if _, found := o.conn.Place(s.dir, o.conn.Taken(s.dir)+1); found != tls.PlaceAhead {
							t.Fatalf("what is to come: got %v", found)
						}
					}
				}
				checkEnds(t, o, e)
				o.conn.KeepPlaces(false)
				if found := o.place(e, decoder.Recv, o.conn.Taken(decoder.Recv)); found != tls.NoPlace {
					t.Errorf("got %v, where none is kept", found)
				}
			}
		})
	}
}

// checkEnds asks for all offsets near the end of a record.
func checkEnds(t *testing.T, o *observer, e ends) {
	t.Helper()
	for d := range e {
		for offset := range e[d] {
			for _, by := range []int64{-1, 0, 1} {
				_, want := e[d][offset+by]
				found := o.place(e, decoder.Direction(d), offset+by)
				if want != (found == tls.PlaceFound) && offset+by <= o.conn.Taken(decoder.Direction(d)) {
					t.Errorf("%s: offset %d: got %v, want a place: %t", decoder.Direction(d), offset+by, found, want)
				}
			}
		}
	}
}

// TestPlacesLost drops bytes at random, keeps places from a random time on, and asks
// for records at random: a place is that of the record, or none.
func TestPlacesLost(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(7, 8))
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{100, 300000, 200000, 100000, 500, 500})
			e, found := endsOf(conv), 0
			for range 40 {
				found += conv.placeLossy(t, rng, e)
			}
			if found < 40 {
				t.Errorf("only %d places were found", found)
			}
		})
	}
}

func (conv *conversation) placeLossy(t *testing.T, rng *mathrand.Rand, e ends) (found int) {
	t.Helper()
	o := &observer{t: t, conn: newConn(conv), said: conv.said}
	for _, s := range conv.secrets {
		o.conn.Secret(s.label, s.random, s.secret)
	}
	when, rate := rng.IntN(len(conv.segments)), rng.IntN(30)
	for i, s := range conv.segments {
		if i == when {
			o.conn.KeepPlaces(true)
		}
		for b := s.b; len(b) > 0; {
			n := min(1+rng.IntN(4000), len(b))
			if rng.IntN(1000) < rate {
				o.conn.Missing(ktime.Time(i+1), s.dir, int64(n))
			} else {
				o.conn.Data(ktime.Time(i+1), s.dir, b[:n])
			}
			o.drain()
			b = b[n:]
			for offset := range e[s.dir] { // some of them
				if o.place(e, s.dir, offset) == tls.PlaceFound {
					found++
				}
				if rng.IntN(4) == 0 {
					break
				}
			}
		}
	}
	return found
}

// TestPlacesBounded keeps the places of the latest records.
func TestPlacesBounded(t *testing.T) {
	const records = 20000
	conv := tls13.record(t, bytesEach(records, 70))
	e := endsOf(conv)
	o := &observer{t: t, conn: newConn(conv), said: conv.said}
	for _, s := range conv.secrets {
		o.conn.Secret(s.label, s.random, s.secret)
	}
	o.conn.KeepPlaces(true)
	for i, s := range conv.segments {
		o.conn.Data(ktime.Time(i+1), s.dir, s.b)
		o.drain()
	}
	for d := range e {
		found := 0
		for offset := range e[d] {
			if o.place(e, decoder.Direction(d), offset) == tls.PlaceFound {
				found++
			}
		}
		if found < 4096 || found > 8192 {
			t.Errorf("%s: %d of %d places are found", decoder.Direction(d), found, len(e[d]))
		}
	}
}

func bytesEach(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}
