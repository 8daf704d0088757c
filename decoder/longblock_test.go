package decoder

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// longBlock returns a block of more than size bytes, whose last fields are added to the
// table.
func longBlock(enc *hpack.Encoder, buf *bytes.Buffer, size int) []byte {
	buf.Reset()
	for i := 0; buf.Len() < size; i++ {
		// Too large for the table, never added to it, or in it already.
		for _, f := range []hpack.HeaderField{
			{Name: fmt.Sprint("x-", i), Value: strings.Repeat("v", 5000)},
			{Name: "x-secret", Value: strings.Repeat("v", 300), Sensitive: true},
			{Name: ":method", Value: "GET"},
		} {
			_ = enc.WriteField(f) // a Buffer never fails
		}
	}
	_ = enc.WriteField(hpack.HeaderField{Name: "x-last", Value: "here"})
	return bytes.Clone(buf.Bytes())
}

// inFrames cuts a block into a HEADERS frame and CONTINUATION frames.
func inFrames(block []byte, size int, stream uint32) []byte {
	var b []byte
	for typ := TypeHeaders; ; typ = TypeContinuation {
		n := min(size, len(block))
		flags := Flags(0)
		if n == len(block) {
			flags = FlagEndHeaders
		}
		b = append(b, wire(typ, flags, stream, block[:n])...)
		if block = block[n:]; len(block) == 0 {
			return b
		}
	}
}

// TestLongBlocks sends blocks of megabytes. Blocks within the negotiated limit are decoded.
// After longer ones, the table is still correct.
func TestLongBlocks(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings []Setting
		size     int // of the block
		frames   int
		want     string // headers_error
	}{
		{"as agreed", []Setting{{SettingMaxHeaderListSize, 4 << 20}}, 3 << 20, 16384, ""},
		{"nothing agreed", nil, 8 << 20, 16384, ""},
		{"in one frame", []Setting{{SettingMaxFrameSize, 1 << 20}}, 800_000, 1 << 20, ""},
		{"beyond", []Setting{{SettingMaxHeaderListSize, 1 << 20}}, 3 << 20, 16384, blockTooLong(1 << 20)},
		{"beyond, in odd frames", []Setting{{SettingMaxHeaderListSize, 300_000}}, 1 << 20, 777, blockTooLong(300_000)},
		{"beyond in one frame", []Setting{{SettingMaxFrameSize, 1 << 20}, {SettingMaxHeaderListSize, 1}}, 800_000, 1 << 20, blockTooLong(leastBlock)},
		{"beyond what is not agreed", nil, 12 << 20, 16384, blockTooLong(defaultBlock)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{quiet: true}
			c := opened(r)
			c.Data(1, Recv, settingsFrame(tt.settings...))
			c.Data(2, Send, settingsAck)
			var buf bytes.Buffer
			enc := hpack.NewEncoder(&buf)
			for b := inFrames(longBlock(enc, &buf, tt.size), tt.frames, 1); len(b) > 0; {
				n := min(len(b), 16384)
				c.Data(3, Send, b[:n])
				b = b[n:]
			}
			if got := r.headers[0]; r.errors[0] != tt.want || tt.want == "" && got[len(got)-1].Value != "here" {
				t.Errorf("%d fields, error %q, want error %q", len(got), r.errors[0], tt.want)
			}
			buf.Reset()
			_ = enc.WriteField(hpack.HeaderField{Name: "x-last", Value: "here"})
			if buf.Len() != 1 {
				t.Fatalf("%d bytes for a field of the table", buf.Len())
			}
			c.Data(4, Send, wire(TypeHeaders, FlagEndHeaders, 3, buf.Bytes()))
			if got := r.headers[1]; len(got) != 1 || got[0].Value != "here" {
				t.Errorf("the next block is %v, error %q", got, r.errors[1])
			}
			if len(r.violations) > 0 {
				t.Errorf("violations %v", r.violations)
			}
		})
	}
}

// TestEndlessField sends one field that exceeds the limit for a field. The table is unknown
// after it. The cost per byte does not grow.
func TestEndlessField(t *testing.T) {
	r := &recorder{quiet: true}
	c := opened(r)
	c.Data(1, Recv, settingsFrame(Setting{SettingMaxHeaderListSize, leastBlock}))
	c.Data(2, Send, settingsAck)
	block := appendString([]byte{0x40, 1, 'a'}, strings.Repeat("b", 8<<20))
	frames := inFrames(block, 16384, 1)
	if got := allocated(func() { c.Data(3, Send, frames) }); got > 4<<20 {
		t.Errorf("%d bytes allocated", got)
	}
	c.Data(4, Send, wire(TypeHeaders, FlagEndHeaders, 3, []byte{0xbe}))
	if want := []string{blockTooLong(leastBlock), beforeError}; r.errors[0] != want[0] || r.errors[1] != want[1] {
		t.Errorf("errors %q, want %q", r.errors, want)
	}
	if len(r.violations) > 0 {
		t.Errorf("violations %v", r.violations)
	}
}
