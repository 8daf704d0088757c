package tls_test

import (
	"bytes"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// checkPieces cuts a conversation anew at random, and gives each secret at a random time:
// what is found is the same.
func checkPieces(t *testing.T, conv *conversation, rng *mathrand.Rand) {
	t.Helper()
	want := run(conv, 1<<20, 0)
	slices.Sort(want.lines)
	for range 10 {
		c, got := newConn(conv), &result{}
		late := make([][]logged, len(conv.segments)+1)
		for _, s := range conv.secrets {
			i := rng.IntN(len(late))
			late[i] = append(late[i], s)
		}
		most := 1 << rng.IntN(16)
		for i, s := range conv.segments {
			got.tell(c, &conversation{secrets: late[i]})
			for b := s.b; len(b) > 0; {
				n := min(1+rng.IntN(most), len(b))
				c.Data(ktime.Time(i+1), s.dir, b[:n])
				got.drain(c)
				b = b[n:]
			}
		}
		got.tell(c, &conversation{secrets: late[len(conv.segments)]})
		c.Close(1 << 40)
		got.drain(c)
		slices.Sort(got.lines)
		if got, want := got.check(), want.check(); got != want {
			t.Errorf("in pieces of up to %d: the certificate took %d, want %d", most, got, want)
		}
		if diff := cmp.Diff(want.lines, got.lines); diff != "" {
			t.Errorf("in pieces of up to %d: %s", most, diff)
		}
		for d := range got.said {
			if !bytes.Equal(got.said[d], want.said[d]) {
				t.Errorf("in pieces of up to %d: %s: got %d bytes, want %d", most, decoder.Direction(d), len(got.said[d]), len(want.said[d]))
			}
		}
	}
}

// observer compares what a Conn returns with what was sent, in order.
type observer struct {
	t     *testing.T
	conn  *tls.Conn
	said  [2][]byte
	at    [2]int // after the last plaintext
	gap   [2]int // what may be missing there
	loose bool   // more may be: bytes came that nobody sent
}

const anything = 1 << 40

func (o *observer) drain() {
	o.t.Helper()
	for e := o.conn.Next(); e != nil; e = o.conn.Next() {
		switch e := e.(type) {
		case *tls.Missing:
			if o.gap[e.Dir] += int(e.Plaintext); e.Plaintext < 0 {
				o.gap[e.Dir] = anything
			}
		case *tls.Unopened:
			o.gap[e.Dir] = anything
		case *tls.Plaintext:
			skipped := bytes.Index(o.said[e.Dir][o.at[e.Dir]:], e.Data)
			if skipped < 0 || skipped > o.gap[e.Dir] && !o.loose {
				o.t.Fatalf("%s: %.40q, %d bytes after byte %d, where up to %d may be missing", e.Dir, e.Data, skipped, o.at[e.Dir], o.gap[e.Dir])
			}
			o.at[e.Dir] += skipped + len(e.Data)
			o.gap[e.Dir] = 0
		}
	}
}

// finish closes the Conn. What it does not return is missing.
func (o *observer) finish() {
	o.t.Helper()
	o.conn.Close(1 << 40)
	o.drain()
	for d := range o.said {
		if rest := len(o.said[d]) - o.at[d]; rest > o.gap[d] && !o.loose {
			o.t.Fatalf("%s: the last %d bytes are not there, of which up to %d may be missing", decoder.Direction(d), rest, o.gap[d])
		}
	}
}

// checkLosses drops bytes at random, of the handshake too. It returns how much of the
// application data is returned on average.
func checkLosses(t *testing.T, conv *conversation, rng *mathrand.Rand, times int) float64 {
	t.Helper()
	var total, returned, said int
	for _, s := range conv.segments {
		total += len(s.b)
	}
	for range times {
		o := &observer{t: t, conn: newConn(conv), said: conv.said}
		when := rng.IntN(len(conv.segments))
		dir := decoder.Direction(rng.IntN(2))
		from, size := rng.IntN(total), 1+rng.IntN(1<<rng.IntN(15))
		at := 0
		for i, s := range conv.segments {
			if i == when {
				for _, s := range conv.secrets {
					o.conn.Secret(s.label, s.random, s.secret)
					o.drain()
				}
			}
			if s.dir != dir {
				o.conn.Data(ktime.Time(i+1), s.dir, s.b)
				o.drain()
				continue
			}
			first, last := min(max(from-at, 0), len(s.b)), min(max(from+size-at, 0), len(s.b))
			o.conn.Data(ktime.Time(i+1), s.dir, s.b[:first])
			o.drain()
			if first < last {
				o.conn.Missing(ktime.Time(i+1), s.dir, int64(last-first))
				o.drain()
			}
			o.conn.Data(ktime.Time(i+1), s.dir, s.b[last:])
			o.drain()
			at += len(s.b)
		}
		for d := range o.said {
			returned += o.at[d] // what was skipped included
			said += len(o.said[d])
		}
		o.finish()
	}
	return float64(returned) / float64(max(said, 1))
}

// TestManyLosses has many gaps in bulk, where each number that is tried costs as much as to
// open a record: after each, the next record is found.
func TestManyLosses(t *testing.T) {
	for _, s := range fakeSuites() {
		conv := s.record(t, []int{10, 16 << 20, 10})
		records := conv.records()
		c, r := newConn(conv), &result{}
		r.tell(c, conv)
		lost := 0
		for i, record := range records {
			if record.dir == decoder.Recv && i > len(records)/4 && i%10 < 6 { // 100 kB
				lost += len(record.b)
				c.Missing(ktime.Time(i+1), record.dir, int64(len(record.b)))
			} else {
				c.Data(ktime.Time(i+1), record.dir, record.b)
			}
			r.drain(c)
		}
		c.Close(1 << 40)
		r.drain(c)
		if got, want := len(r.said[decoder.Recv]), len(conv.said[decoder.Recv])-lost; got < want {
			t.Errorf("%s: got %d bytes of %d, of which %d are lost; the last of %d lines is %q", s.name, got, len(conv.said[decoder.Recv]), lost, len(r.lines), r.lines[len(r.lines)-1])
		}
	}
}
