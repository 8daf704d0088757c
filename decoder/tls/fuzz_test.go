package tls_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// act is what a Conn is given: bytes, or how many are missing.
type act struct {
	dir  decoder.Direction
	b    []byte
	hole int64
}

// damage turns a conversation into acts, as a script says: three bytes of it are how many
// bytes come whole, what then happens, and an operand of that. The rest comes whole.
func damage(conv *conversation, script []byte) (acts []act) {
	segments := conv.segments
	var b []byte
	for len(segments) > 0 {
		if len(b) == 0 {
			b = bytes.Clone(segments[0].b)
		}
		dir := segments[0].dir
		whole, what, operand := len(b), byte(0), 0
		if len(script) >= 3 {
			whole, what, operand = min(int(script[0])<<(script[1]>>4), len(b)), script[1]&15, int(script[2])
			script = script[3:]
		}
		acts = append(acts, act{dir: dir, b: b[:whole]})
		b = b[whole:]
		switch n := min(operand, len(b)); what {
		case 1: // bytes are missing
			acts = append(acts, act{dir: dir, hole: int64(n)})
			b = b[n:]
		case 2: // as many as nobody knows, and they come all the same
			acts = append(acts, act{dir: dir, hole: int64(operand) << 12})
		case 3: // a byte is another
			if len(b) > 0 {
				b[0] ^= byte(operand)
			}
		case 4: // bytes that nobody sent
			acts = append(acts, act{dir: dir, b: bytes.Repeat([]byte{23, 3, 3, 0, byte(operand)}, 1+operand/5)})
		case 5: // bytes of the script
			n := min(operand, len(script))
			acts = append(acts, act{dir: dir, b: script[:n]})
			script = script[n:]
		case 6: // bytes that come twice
			acts = append(acts, act{dir: dir, b: b[:n]})
		case 7: // bytes of the other direction
			acts = append(acts, act{dir: dir ^ 1, b: b[:n]})
		}
		if len(b) == 0 {
			segments = segments[1:]
		}
	}
	return acts
}

// perform gives an act to a Conn, in pieces of at most most bytes.
func (r *result) perform(c *tls.Conn, at ktime.Time, a act, most int) {
	if a.hole > 0 {
		c.Missing(at, a.dir, a.hole)
		r.drain(c)
	}
	for b := a.b; len(b) > 0; b = b[min(most, len(b)):] {
		c.Data(at, a.dir, b[:min(most, len(b))])
		r.drain(c)
	}
}

func addScripts(f *testing.F) {
	for i := range 4 {
		f.Add(byte(i), byte(0), []byte{})
		f.Add(byte(i), byte(20), []byte{255, 0x20, 0, 255, 0x01, 100})
		for what := byte(1); what <= 7; what++ {
			f.Add(byte(i), byte(2), []byte{255, 0, 0, 255, 0, 0, 255, 0, 0, 100, what, 40, 255, 0x10, 0, 50, what, 10, 23, 3, 3, 0, 20})
		}
	}
}

// FuzzConn damages conversations, and gives their secrets before an act.
func FuzzConn(f *testing.F) {
	addScripts(f)
	list := recorded(f)
	f.Fuzz(func(t *testing.T, which, when byte, script []byte) {
		conv := list[int(which)%len(list)]
		o := &observer{t: t, conn: tls.New(tls.NewBudget(1<<20), tls.NewSessions()), said: conv.said}
		o.loose = true
		for i, a := range damage(conv, script) {
			if i == int(when) {
				for _, s := range conv.secrets {
					o.conn.Secret(s.label, s.random, s.secret)
					o.drain()
				}
			}
			if a.hole > 0 {
				o.conn.Missing(ktime.Time(i+1), a.dir, a.hole)
				o.drain()
			}
			o.conn.Data(ktime.Time(i+1), a.dir, a.b)
			o.drain()
		}
		o.finish()
	})
}

// FuzzSplit gives the same bytes in other pieces: that changes nothing.
func FuzzSplit(f *testing.F) {
	addScripts(f)
	list := recorded(f)
	f.Fuzz(func(t *testing.T, which, most byte, script []byte) {
		conv := list[int(which)%len(list)]
		acts := damage(conv, script)
		var results [2]*result
		for i, most := range []int{1 << 20, 1 + int(most)} {
			c, r := tls.New(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
			r.tell(c, conv)
			for j, a := range acts {
				r.perform(c, ktime.Time(j+1), a, most)
			}
			c.Close(1 << 40)
			r.drain(c)
			results[i] = r
		}
		want, got := results[0], results[1]
		if diff := cmp.Diff(want.lines, got.lines); diff != "" {
			t.Fatalf("in pieces of %d: %s", 1+int(most), diff)
		}
		for d := range want.said {
			if !bytes.Equal(want.said[d], got.said[d]) {
				t.Fatalf("in pieces of %d: %s: got %d bytes, want %d", 1+int(most), decoder.Direction(d), len(got.said[d]), len(want.said[d]))
			}
		}
	})
}
