package decoder

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
)

// allocated returns the total of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAnnouncedLength announces the longest possible frame of each type and sends few bytes
// of it. The announced length must not cost memory.
func TestAnnouncedLength(t *testing.T) {
	for typ := range Type(20) {
		r := &recorder{quiet: true}
		c := opened(r)
		frame := wire(typ, 0, 1, make([]byte, 100))
		copy(frame, []byte{0xff, 0xff, 0xff})
		got := allocated(func() { c.Data(1, Recv, frame); c.Close(2) })
		if got > 16<<10 {
			t.Errorf("%v: %d bytes allocated", typ, got)
		}
		if len(r.violations) != 1 || r.violations[0].Code != FrameSizeError {
			t.Errorf("%v: violations %v", typ, r.violations)
		}
	}
}

// TestLongPayload sends megabytes of payload that the decoder has to collect.
func TestLongPayload(t *testing.T) {
	for _, typ := range []Type{TypeHeaders, TypeSettings, TypeGoAway, 0x2a} { // longer than SETTINGS allow
		var last Frame
		c := opened(&keeper{last: &last})
		frame := wire(typ, FlagEndHeaders, 0, make([]byte, 8<<20))
		for b := frame; len(b) > 0; {
			n := min(len(b), 4096)
			c.Data(1, Recv, b[:n])
			b = b[n:]
			if got := cap(c.sides[Recv].framer.payload); got > 2*maxPayload {
				t.Fatalf("%v: %d bytes of payload kept", typ, got)
			}
		}
		if last.Type != typ || !last.Truncated {
			t.Errorf("got %v, truncated %v, want a truncated %v", last.Type, last.Truncated, typ)
		}
		if got := cap(c.sides[Recv].framer.payload); got > keepBuffer {
			t.Errorf("%v: %d bytes stay after the frame", typ, got)
		}
	}
}

// TestContinuationFlood never ends a field block.
func TestContinuationFlood(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	c.Data(1, Send, wire(TypeHeaders, 0, 1, []byte{0x82}))
	fragment := wire(TypeContinuation, 0, 1, bytes.Repeat([]byte{0x82}, 16384))
	for range 1000 {
		c.Data(1, Send, fragment)
		if got := cap(c.sides[Send].blocks.block.fragment); got > 2*defaultBlock {
			t.Fatalf("%d bytes of the block kept", got)
		}
	}
	c.Data(1, Send, wire(TypeContinuation, FlagEndHeaders, 1, nil))
	c.Data(1, Send, wire(TypeHeaders, FlagEndHeaders, 3, []byte{0x82}))
	if len(r.errors) != 2 || r.errors[0] != blockTooLong(defaultBlock) || r.errors[1] != "" {
		t.Errorf("header errors %q, want the first block too long and the second decoded", r.errors)
	}
}

// TestHeaderListBomb refers 64,000 times to a long field. The list is not built, and the table
// stays correct.
func TestHeaderListBomb(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	c.Data(1, Recv, settingsFrame(Setting{SettingMaxHeaderListSize, 1000}))
	c.Data(1, Send, settingsAck)
	block := appendString([]byte{0x40, 1, 'a'}, string(make([]byte, 3900)))
	c.Data(1, Send, wire(TypeHeaders, FlagEndHeaders, 1, block))
	block = append(bytes.Repeat([]byte{0xbe}, 16000), 0x40, 1, 'b', 1, 'c')
	frame := wire(TypeHeaders, FlagEndHeaders, 3, block)
	if got := allocated(func() { c.Data(1, Send, frame) }); got > 2*leastBlock {
		t.Errorf("%d bytes allocated", got)
	}
	c.Data(1, Send, wire(TypeHeaders, FlagEndHeaders, 5, []byte{0xbe, 0xbf}))
	want := fmt.Sprintf("header list is larger than %d bytes", leastBlock)
	if r.errors[1] != want {
		t.Errorf("error %q, want %q", r.errors[1], want)
	}
	if got := r.headers[2]; len(got) != 2 || got[0].Name != "b" || got[1].Name != "a" {
		t.Errorf("the next block is %d fields, error %q; want b and a", len(got), r.errors[2])
	}
}

// TestHugeTable lets the encoder use a table of a gigabyte. Entries beyond the kept part are
// unknown; those in it are exact.
func TestHugeTable(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	c.Data(1, Recv, settingsFrame(Setting{SettingHeaderTableSize, 1 << 30}))
	c.Data(2, Send, settingsAck)
	block := []byte{0x3f, 0xe1, 0xff, 0xff, 0xff, 0x03} // size update to 2^30
	c.Data(3, Send, wire(TypeHeaders, FlagEndHeaders, 1, append(block, 0x40, 5, 'f', 'i', 'r', 's', 't', 0)))
	value := string(make([]byte, 10000))
	for i := range 1000 {
		block := appendString([]byte{0x40}, fmt.Sprint(i))
		c.Data(3, Send, wire(TypeHeaders, FlagEndHeaders, uint32(2*i+3), appendString(block, value)))
	}
	if _, size := entries(t, &c.sides[Send].blocks.table); size > maxHeaderTable {
		t.Errorf("the table is %d bytes", size)
	}
	c.Data(4, Send, wire(TypeHeaders, FlagEndHeaders, 5001, []byte{0xbe}))
	if got := r.headers[len(r.headers)-1]; len(got) != 1 || got[0].Name != "999" {
		t.Errorf("newest entry: %d fields, error %q", len(got), r.errors[len(r.errors)-1])
	}
	c.Data(4, Send, wire(TypeHeaders, FlagEndHeaders, 5003, []byte{0xff, 0xe9, 0x06})) // index 1000
	if got := r.errors[len(r.errors)-1]; got != beyondKept {
		t.Errorf("old entry: error %q, want %q", got, beyondKept)
	}
	if len(r.violations) > 0 {
		t.Errorf("violations %v", r.violations)
	}
}

// TestStreamFlood opens more streams than are followed.
func TestStreamFlood(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	var frames []byte
	for i := range uint32(maxStreams + 1000) {
		frames = append(frames, wire(TypeHeaders, FlagEndHeaders, 2*i+1, []byte{0x82})...)
	}
	c.Data(1, Send, frames)
	if n := len(c.streams.byID); n != maxStreams {
		t.Errorf("%d streams are followed, want %d", n, maxStreams)
	}
	// A stream that is not followed has unknown windows, and no false violations.
	var last Frame
	c.sink = &keeper{last: &last}
	c.Data(2, Send, wire(TypeData, 0, 2*maxStreams+3, []byte("x")))
	if last.Window.StreamSend.Known || !last.Window.ConnSend.Known || ofFrame(&last) != nil {
		t.Errorf("window %+v, violation %v", last.Window, last.Violation)
	}
	if len(r.violations) > 0 {
		t.Errorf("violations %v", r.violations[:1])
	}
}

// TestSettingsFlood never acknowledges SETTINGS. Limits are then unknown, not wrong.
func TestSettingsFlood(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	for i := range uint32(1000) {
		c.Data(1, Send, settingsFrame(Setting{SettingInitialWindowSize, i}))
	}
	if n := len(c.settings[Send].pending); n > maxPendingSettings {
		t.Errorf("%d SETTINGS frames are remembered", n)
	}
	var last Frame
	c.sink = &keeper{last: &last}
	c.Data(2, Recv, settingsAck)
	c.Data(3, Send, wire(TypeHeaders, FlagEndHeaders, 1, []byte{0x82}))
	if w := last.Window; w.StreamRecv.Known || !w.StreamSend.Known {
		t.Errorf("window %+v, want an unknown stream_recv and a known stream_send", w)
	}
}

// TestStartIsBounded sends a start that cannot be classified. It is held, but not forever.
func TestStartIsBounded(t *testing.T) {
	r := &recorder{}
	c := NewConn(Config{Role: Client, FromStart: true}, r)
	line := append([]byte("GET /"), bytes.Repeat([]byte("a"), 1000)...)
	for range 20 {
		c.Data(1, Send, line)
		line = line[5:]
	}
	if c.Protocol() != ProtocolUnknown || len(r.lines) != 1 || c.sides[Send].held.buf != nil {
		t.Errorf("protocol %v, events %q, %d bytes held", c.Protocol(), r.lines, len(c.sides[Send].held.buf))
	}
}
