package decoder

import (
	"testing"

	"h2trace/decoder/ktime"
)

// endsConn is a connection of a client, joined in the middle, with samples of its memory.
type endsConn struct {
	*Conn
	sink windowSink
	at   [2]int64
	now  ktime.Time
}

func newEndsConn() *endsConn {
	e := &endsConn{}
	e.Conn = NewConn(Config{Role: Client}, &e.sink)
	return e
}

func (e *endsConn) frame(d Direction, typ Type, flags Flags, id uint32, payload string) {
	b := wire(typ, flags, id, []byte(payload))
	e.now++
	e.at[d] += int64(len(b))
	e.Data(e.now, d, b)
}

// get sends a request of which the headers are literals.
func (e *endsConn) get(id uint32) {
	e.frame(Send, TypeHeaders, FlagEndStream|FlagEndHeaders, id, "\x82\x84\x87")
}

// sample gives what the process holds of streams at a place, as often as it takes to be
// trusted. sent says by sample whether it has noted that END_STREAM was sent.
func (e *endsConn) sample(at [2]int64, listed int64, ids []uint32, sent ...bool) {
	for _, sent := range sent {
		e.now = e.now.Add(agreeTime)
		s := WindowSample{
			Time: e.now, At: at, Listed: listed, PeerMaxFrame: 1 << 14,
			Conn: [2]Credit{{1000, true}, {1000, true}}, Initial: [2]Credit{{1000, true}, {1000, true}},
		}
		for _, id := range ids {
			s.Streams = append(s.Streams, StreamSample{
				ID: id, Credit: [2]Credit{{1000, true}, {1000, true}}, Ended: [2]bool{Send: sent},
			})
		}
		e.Windows(s)
	}
}

// granted returns the windows of a stream after a grant of one byte.
func (e *endsConn) granted(id uint32) Window {
	e.frame(Send, TypeWindowUpdate, 0, id, "\x00\x00\x00\x01")
	return e.sink.last
}

// TestEndedAfterSample has packets arrive long before the process reads them: many streams
// begin and end, then come samples from before their ends. They stay closed.
func TestEndedAfterSample(t *testing.T) {
	for _, tt := range []struct {
		name    string
		streams uint32
		typ     Type
		flags   Flags
		payload string
	}{
		{"few", 3, TypeData, FlagEndStream, "abc"},
		{"many", 3 * maxClosed, TypeData, FlagEndStream, "abc"},
		{"many that are reset", 3 * maxClosed, TypeRSTStream, 0, "\x00\x00\x00\x08"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndsConn()
			e.frame(Recv, TypeWindowUpdate, 0, 0, "\x00\x00\x00\x01")
			e.frame(Send, TypeWindowUpdate, 0, 0, "\x00\x00\x00\x01")
			e.sample(e.at, e.Listing(), nil, true) // proves the boundaries
			var ids []uint32
			for id := uint32(1001); len(ids) < int(tt.streams); id += 2 {
				ids = append(ids, id)
				e.get(id)
			}
			open, at := uint32(2001), e.at
			e.get(open)
			at[Send] = e.at[Send]
			for _, id := range ids {
				e.frame(Recv, tt.typ, tt.flags, id, tt.payload)
			}
			e.sample(at, e.Listing(), append(ids, open), true, true, true)
			for _, id := range ids {
				if got := e.granted(id); got.StreamSend.Known || got.StreamRecv.Known {
					t.Fatalf("stream %d has ended, and has windows: %+v", id, got)
				}
			}
			if got := e.granted(open); !got.StreamSend.Known || !got.ConnSend.Known {
				t.Errorf("an open stream has none: %+v", got)
			}
		})
	}
}

// TestEndedBeforeListing has a stream that was open when the process last read frames, so
// that the list of its streams holds it, and is reset in a packet that the decoder already
// had. The list serves as long as that end is remembered.
func TestEndedBeforeListing(t *testing.T) {
	e := newEndsConn()
	e.frame(Recv, TypeWindowUpdate, 0, 0, "\x00\x00\x00\x01")
	e.frame(Send, TypeWindowUpdate, 0, 0, "\x00\x00\x00\x01")
	e.sample(e.at, e.Listing(), nil, true)
	before := e.at
	e.frame(Recv, TypeRSTStream, 0, 7, "\x00\x00\x00\x08")
	e.frame(Recv, TypeRSTStream, 0, 9, "\x00\x00\x00\x08")
	e.sample(before, e.Listing(), nil, true)
	listed := e.Listing()
	for id := uint32(11); e.Lists(listed); id += 2 {
		e.sample(e.at, listed, []uint32{7, 9}, true, true, true)
		for _, old := range []uint32{7, 9} {
			if got := e.granted(old); got.StreamSend.Known {
				t.Fatalf("stream %d was reset, and has windows before stream %d: %+v", old, id, got)
			}
		}
		for range maxEnds / 8 {
			id += 2
			e.frame(Recv, TypeRSTStream, 0, id, "\x00\x00\x00\x08")
		}
	}
	e.sample(e.at, listed, []uint32{7, 9}, true, true, true)
	if got := e.granted(7); got.StreamSend.Known {
		t.Errorf("a list out of date is of use: %+v", got)
	}
	if !e.Lists(e.Listing()) {
		t.Error("a new list is out of date at once")
	}
}

// TestEndNotedLate samples a client that has sent END_STREAM before the join, and notes so a
// moment later. The stream ends with the response.
func TestEndNotedLate(t *testing.T) {
	for _, sent := range [][]bool{{true, true, true}, {false, true, true}, {false, false, false, true}} {
		e := newEndsConn()
		e.frame(Recv, TypeWindowUpdate, 0, 0, "\x00\x00\x00\x01")
		e.frame(Send, TypeWindowUpdate, 0, 0, "\x00\x00\x00\x01")
		e.sample(e.at, e.Listing(), []uint32{7}, append([]bool{sent[0]}, sent...)...)
		if got := e.granted(7); !got.StreamSend.Known {
			t.Errorf("%v: an open stream has no windows: %+v", sent, got)
		}
		e.frame(Recv, TypeData, FlagEndStream, 7, "abc")
		if got := e.granted(7); got.StreamSend.Known {
			t.Errorf("%v: a stream that has ended has windows: %+v", sent, got)
		}
	}
}
