package decoder

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

// input is one call of Data, Skip or Gap.
type input struct {
	at   ktime.Time
	dir  Direction
	data []byte
	skip int64
	gap  int64
}

// decode runs a Conn over inputs. cut says how to split the data of an input. It gets the
// index and the length of the data, and returns the length of the next piece.
func decode(cfg Config, inputs []input, cut func(index, done, left int) int) *recorder {
	return decodeBy(cfg, inputs, func(c *Conn, i, done int) int {
		in := inputs[i]
		n := len(in.data) - done
		if cut != nil {
			n = min(n, cut(i, done, n))
		}
		// A copy shows whether the decoder keeps a slice of the caller.
		piece := append([]byte(nil), in.data[done:done+n]...)
		c.Data(in.at, in.dir, piece)
		clear(piece)
		return n
	})
}

// decodeUnread is decode with the bytes left out that Unread says nobody reads, and the
// others cut into pieces of n.
func decodeUnread(cfg Config, inputs []input, n int) *recorder {
	return decodeBy(cfg, inputs, func(c *Conn, i, done int) int {
		in := inputs[i]
		b := in.data[done:]
		if u := min(c.Unread(in.dir), int64(len(b))); u > 0 {
			c.Skip(in.at, in.dir, u)
			return int(u)
		}
		c.Data(in.at, in.dir, b[:min(n, len(b))])
		return min(n, len(b))
	})
}

// decodeBy runs a Conn over inputs. give gives it some data of an input, without those that
// are done, and returns how many bytes.
func decodeBy(cfg Config, inputs []input, give func(c *Conn, index, done int) int) *recorder {
	r := &recorder{}
	c := NewConn(cfg, r)
	r.conn = c
	var last ktime.Time
	for i, in := range inputs {
		last = in.at
		for done := 0; done < len(in.data); {
			done += give(c, i, done)
		}
		if in.skip != 0 {
			c.Skip(in.at, in.dir, in.skip)
		}
		if in.gap != 0 {
			c.Gap(in.at, in.dir, in.gap)
		}
	}
	c.Close(last + 1)
	return r
}

// decodeEveryWay decodes inputs whole, byte by byte, without what nobody reads, and with the data of each input cut in
// two at every offset below prefix. It fails the test if any of these gives other events. It
// returns the events.
func decodeEveryWay(t *testing.T, cfg Config, inputs []input, prefix int) *recorder {
	t.Helper()
	want := decode(cfg, inputs, nil)
	check := func(how string, at int, got *recorder) bool {
		if diff := cmp.Diff(want.lines, got.lines); diff != "" {
			t.Errorf("cut %s %d gives other events (-whole +cut):\n%s", how, at, diff)
			return false
		}
		return true
	}
	if !check("into bytes", 1, decode(cfg, inputs, func(int, int, int) int { return 1 })) {
		return want
	}
	for _, n := range []int{1, 9, 64} {
		if !check("without what nobody reads, into pieces of", n, decodeUnread(cfg, inputs, n)) {
			return want
		}
	}
	for i, in := range inputs {
		for at := 1; at < min(len(in.data), prefix); at++ {
			got := decode(cfg, inputs, func(index, done, left int) int {
				if index == i && done == 0 {
					return at
				}
				return left
			})
			if !check("at offset", at, got) {
				return want
			}
		}
	}
	return want
}
