package tls_test

import (
	"bytes"
	gotls "crypto/tls"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// TestConnLoss drops bytes of established connections at random: all that is returned
// is what was sent at the place that Missing tells.
func TestConnLoss(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(1, 2))
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{100, 300000, 200000, 100000, 50, 50})
			exact := 0
			for range 60 {
				exact += lose(t, conv, rng)
			}
			if exact < 30 {
				t.Errorf("only %d of 60 losses are located", exact)
			}
		})
	}
}

// lose drops up to 40,000 bytes of one direction. It returns 1 if Missing says exactly
// how much plaintext is missing.
func lose(t *testing.T, conv *conversation, rng *mathrand.Rand) (exact int) {
	t.Helper()
	var total [2]int
	for _, s := range conv.segments {
		total[s.dir] += len(s.b)
	}
	dir := decoder.Direction(rng.IntN(2))
	from := 6000 + rng.IntN(total[dir]-6000) // after the handshake
	to := min(from+1+rng.IntN(40000), total[dir])
	c := newConn(conv)
	for _, s := range conv.secrets {
		c.Secret(s.label, s.random, s.secret)
	}
	at, place := [2]int{}, [2]int64{}
	var missing []tls.Missing
	drain := func() {
		for e := c.Next(); e != nil; e = c.Next() {
			switch e := e.(type) {
			case *tls.Missing:
				missing = append(missing, *e)
				if e.Plaintext < 0 || strings.Contains(gotls.CipherSuiteName(conv.state.CipherSuite), "CBC") {
					place[e.Dir] = -1
				} else {
					place[e.Dir] += e.Plaintext
				}
			case *tls.Plaintext:
				said := conv.said[e.Dir]
				i := place[e.Dir]
				if i < 0 {
					i = int64(bytes.Index(said, e.Data))
				}
				if i < 0 || !bytes.Equal(said[i:i+int64(len(e.Data))], e.Data) {
					t.Fatalf("%s: %d bytes at %d are not what was sent; missing %+v", e.Dir, len(e.Data), i, missing)
				}
				place[e.Dir] = i + int64(len(e.Data))
			}
		}
	}
	for i, s := range conv.segments {
		b, start := s.b, at[s.dir]
		at[s.dir] += len(b)
		if s.dir != dir || at[s.dir] <= from || start >= to {
			c.Data(ktime.Time(i), s.dir, b)
			drain()
			continue
		}
		if start < from {
			c.Data(ktime.Time(i), s.dir, b[:from-start])
			drain()
		}
		n := min(at[s.dir], to) - max(start, from)
		c.Missing(ktime.Time(i), s.dir, int64(n))
		drain()
		if at[s.dir] > to {
			c.Data(ktime.Time(i), s.dir, b[len(b)-(at[s.dir]-to):])
			drain()
		}
	}
	c.Close(1 << 40)
	drain()
	switch {
	case len(missing) != 1 || missing[0].Dir != dir:
		t.Fatalf("bytes %d to %d of %d of %s are lost: got %+v", from, to, total[dir], dir, missing)
	case missing[0].Records >= 0:
		exact = 1
		if place[dir] > int64(len(conv.said[dir])) {
			t.Fatalf("%d bytes, want %d", place[dir], len(conv.said[dir]))
		}
	}
	return exact
}
