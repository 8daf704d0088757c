package decoder

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"h2trace/decoder/ktime"
)

// download returns the frames of a server that sends several large responses at once, in
// wire form: mostly DATA of random bytes, some HEADERS, WINDOW_UPDATE and PING.
func download(rng *rand.Rand, frames, largest int) [][]byte {
	var out [][]byte
	for range frames {
		id := uint32(2*rng.IntN(8) + 1)
		switch rng.IntN(12) {
		case 0:
			out = append(out, wire(TypeHeaders, FlagEndHeaders, id, []byte{0x88}))
		case 1:
			out = append(out, windowUpdate(id, rng.Uint32N(1<<20)+1))
		case 2:
			out = append(out, wire(TypePing, 0, 0, make([]byte, 8)))
		default:
			p := make([]byte, rng.IntN(largest)+1)
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			out = append(out, wire(TypeData, 0, id, p))
		}
	}
	return out
}

// names lists frames: those decoded after a loss, or those that were built.
type names struct {
	list    []string
	skipped []int64
}

func (n *names) Protocol(ktime.Time, Protocol, bool)          {}
func (n *names) Resync(_ ktime.Time, _ Direction, lost int64) { n.skipped = append(n.skipped, lost) }

func (n *names) Frame(f *Frame) {
	if f.Dir == Recv {
		n.list = append(n.list, fmt.Sprintf("%s %d %d", f.Type, f.StreamID, f.Length))
	}
}

func (n *names) build(frame []byte) {
	h := parseHeader(frame)
	n.list = append(n.list, fmt.Sprintf("%s %d %d", h.typ, h.stream, h.length))
}

// TestSearchFindsRealFrames loses the beginning of downloads up to random places, with frames
// of the default size and of a megabyte. Only real frames may be found, and all of them from
// some early point on.
func TestSearchFindsRealFrames(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		largest, frames := minMaxFrameSize, 40
		if seed%8 == 7 {
			largest, frames = 1<<20, 12
		}
		var want names
		var stream []byte
		for _, f := range download(rng, frames, largest) {
			want.build(f)
			stream = append(stream, f...)
		}
		start := rng.IntN(len(stream) / 4)
		got := &names{}
		c := NewConn(Config{Role: Client}, got)
		rest := stream[start:]
		for at := ktime.Time(0); len(rest) > 0; at++ {
			n := min(len(rest), rng.IntN(20000)+1)
			c.Data(at, Recv, rest[:n])
			rest = rest[n:]
		}
		c.Close(0)
		if len(got.list) == 0 {
			t.Fatalf("seed %d: no frames found after offset %d", seed, start)
		}
		tail := want.list[max(0, len(want.list)-len(got.list)):]
		if g, w := strings.Join(got.list, "\n"), strings.Join(tail, "\n"); g != w {
			t.Errorf("seed %d: found\n%s\nwant the last frames\n%s", seed, g, w)
		}
		if len(got.skipped) != 1 || got.skipped[0] > int64(3*largest+enclosing) {
			t.Errorf("seed %d: skipped %v bytes of %d", seed, got.skipped, len(stream))
		}
	}
}

// TestGapAtMost loses part of a download, and some bytes fewer than it says. Of the frames
// after that none may be what was not sent.
func TestGapAtMost(t *testing.T) {
	wrong, resynced := 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var want names
		var stream []byte
		for _, f := range download(rng, 60, minMaxFrameSize) {
			want.build(f)
			stream = append(stream, f...)
		}
		start := len(stream)/4 + rng.IntN(len(stream)/4)
		lost, claimed := rng.IntN(40000), 1+rng.IntN(300)
		for _, exact := range []bool{true, false} {
			got := &names{}
			c := NewConn(Config{Role: Client, FromStart: true}, got)
			c.Data(1, Send, []byte(preface))
			c.Data(1, Recv, append(wire(TypeSettings, 0, 0, nil), stream[:start]...))
			if exact {
				c.Gap(2, Recv, int64(lost+claimed))
			} else {
				c.GapAtMost(2, Recv, int64(lost+claimed))
			}
			c.Data(3, Recv, stream[start+lost:])
			c.Close(4)
			if isTail(got.list[1:], want.list) {
				if !exact && len(got.skipped) > 0 {
					resynced++
				}
			} else if wrong++; !exact {
				t.Errorf("seed %d: %d bytes lost, %d claimed: got\n%s", seed, lost, lost+claimed, strings.Join(got.list, "\n"))
			}
		}
	}
	if wrong == 0 || resynced == 0 {
		t.Errorf("an exact gap is wrong %d times, another one is noticed %d times: the test shows nothing", wrong, resynced)
	}
}

// isTail reports whether frames are some of the first ones of a list, and then the last of it.
func isTail(frames, list []string) bool {
	n := 0
	for n < len(frames) && frames[n] == list[n] {
		n++
	}
	rest := frames[n:]
	return strings.Join(rest, "\n") == strings.Join(list[len(list)-min(len(rest), len(list)):], "\n")
}

// TestSearchIgnoresImitation begins inside a DATA payload that consists of valid frames up to
// its end. None of them was sent as a frame.
func TestSearchIgnoresImitation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	imitation := []byte("some text before")
	for len(imitation) < 9000 {
		imitation = append(imitation, wire(TypeWindowUpdate, 0, 666, []byte{0, 0, 1, 0})...)
		imitation = append(imitation, wire(TypeHeaders, FlagEndHeaders, 667, []byte{0x82})...)
	}
	stream := imitation
	for _, f := range download(rng, 30, minMaxFrameSize) {
		stream = append(stream, f...)
	}
	r := decodeEveryWay(t, Config{Role: Client}, []input{{at: 1, dir: Recv, gap: -1}, {at: 2, dir: Recv, data: stream}}, 1)
	if n := r.counts[Recv][TypeData]; n == 0 {
		t.Error("no real frame was found")
	}
	for _, line := range r.lines {
		if strings.Contains(line, "stream=666") || strings.Contains(line, "stream=667") {
			t.Errorf("imitated frame reported: %s", line)
		}
	}
}

// TestSearchGivesUp feeds random bytes, which are not HTTP/2. The search ends, and its memory
// is bounded.
func TestSearchGivesUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	r := &recorder{}
	c := NewConn(Config{Role: Client}, r)
	chunk := make([]byte, 10000)
	for total := 0; total < maxSearch+100000; total += len(chunk) {
		for i := range chunk {
			chunk[i] = byte(rng.Uint32())
		}
		c.Data(1, Recv, chunk)
		if n := cap(c.sides[Recv].held.buf); n > 4*maxHeld {
			t.Fatalf("%d bytes held", n)
		}
	}
	want := "@1 protocol unknown fromStart=false"
	if got := strings.Join(r.lines, "\n"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if c.sides[Recv].held.buf != nil {
		t.Error("bytes are still held")
	}
}

// TestAnswerSkipped has the acknowledgment of SETTINGS among the bytes that are skipped until
// frames are found again: it may have come.
func TestAnswerSkipped(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	c.Gap(1, Recv, -1)
	c.Data(2, Send, settingsFrame(Setting{SettingInitialWindowSize, 1000}))
	junk := bytes.Repeat([]byte{0xa5, 0xc3, 0x99}, enclosing/3)
	c.Data(3, Recv, append(append(bytes.Clone(junk), settingsAck...), junk...))
	c.Data(4, Recv, bytes.Repeat(aPing, 50))
	var last Frame
	c.sink = &keeper{last: &last}
	c.Data(5, Send, wire(TypeHeaders, FlagEndHeaders, 101, []byte{0x82}))
	if r.counts[Recv][TypePing] == 0 || last.Window.StreamRecv.Known {
		t.Errorf("after %v, windows are %+v; want an unknown stream_recv", r.lines, last.Window)
	}
}
