package decoder

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder/ktime"
)

// noter is a recorder that also gets notes.
type noter struct{ recorder }

func (n *noter) Noted(note any) { n.lines = append(n.lines, fmt.Sprint("noted ", note)) }

// TestHold feeds the bytes of a client, with left out and lost ones. It holds them from each
// part up to each later one. The events are the same, and in the same order.
func TestHold(t *testing.T) {
	sent, blocks := story(t)
	type part struct {
		n    int
		call call
	}
	parts := []part{{blocks[6].start, dataCall{}}, {30, dataCall{}}, {300, gapCall{}}, {400, noteCall{}}}
	at := blocks[6].start + 330
	parts = append(parts, part{blocks[12].start - 100 - at, dataCall{}}, part{50, skipCall{}}, part{0, missedCall{}}, part{50, dataCall{}})
	parts = append(parts, part{len(sent) - blocks[12].start, dataCall{}})
	run := func(hold, release int) (lines []string, pending int64) {
		r := &noter{}
		c := NewConn(Config{Role: Server}, r)
		place := 0
		for i, p := range parts {
			if i == hold {
				c.Hold(ktime.Time(i))
			}
			if i == release {
				c.Release()
			}
			switch p.call.(type) {
			case dataCall:
				c.Data(ktime.Time(i), Recv, sent[place:place+p.n])
			case skipCall:
				c.Skip(ktime.Time(i), Recv, int64(p.n))
			case gapCall:
				c.Gap(ktime.Time(i), Recv, int64(p.n))
			case missedCall:
				c.Missed(Recv)
			case noteCall:
				c.Note(ktime.Time(i), "a loss")
				continue
			}
			place += p.n
			if got := c.Place(Recv) + c.Pending(Recv); got != int64(place) {
				t.Fatalf("held from part %d: the place behind part %d is %d, want %d", hold, i, got, place)
			}
		}
		pending = c.Pending(Recv)
		c.Close(99)
		return r.lines, pending
	}
	want, _ := run(-1, -1)
	if len(want) < len(blocks) {
		t.Fatalf("got %d lines", len(want))
	}
	for hold := range parts {
		for release := hold + 1; release <= len(parts); release++ {
			got, pending := run(hold, release)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("held from part %d to %d: %s", hold, release, diff)
			}
			if (pending > 0) != (release == len(parts)) && parts[len(parts)-1].n > 0 {
				t.Errorf("held from part %d to %d: %d bytes wait", hold, release, pending)
			}
		}
	}
}

// TestHoldForTable has a block wait for its table. The table names the block by its place,
// or by its stream.
func TestHoldForTable(t *testing.T) {
	sent, blocks := story(t)
	for k, b := range blocks {
		from := blocks[max(0, k-3)].start
		for _, byStream := range []bool{false, true} {
			r := &recorder{}
			c := NewConn(Config{Role: Server}, r)
			c.Data(1, Recv, sent[from:b.start])
			s := b.snapshot
			c.Hold(2)
			if !byStream {
				c.Data(2, Recv, sent[b.start:])
				s.StreamID, s.From, s.To = 0, int64(b.start-from), int64(b.end-from)
			}
			if since, bytes := c.Held(); !c.Holds() || since != 2 || bytes != int(c.Pending(Recv)) {
				t.Fatalf("%d bytes are held since %d", bytes, since)
			}
			if err := c.Recover(3, Recv, s); err != nil {
				t.Fatal(err)
			}
			if byStream {
				c.Data(3, Recv, sent[b.start:])
			}
			c.Release()
			if !c.TableKnown(Recv) || len(r.violations) > 0 {
				t.Fatalf("block %d, by stream %t: the table is not known; violations %v", k, byStream, r.violations)
			}
			got := r.headers[len(r.headers)-(len(blocks)-k)]
			if diff := cmp.Diff(b.fields, got); diff != "" {
				t.Fatalf("block %d, by stream %t: %s", k, byStream, diff)
			}
			c.Close(4)
		}
	}
}
