package decoder

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cutFrames runs a framer over b, n bytes at a time. The byte at offset hole is missing. It
// returns a line for each frame.
func cutFrames(b []byte, n, hole, longest int) []string {
	r := framer{capture: 4}
	var lines []string
	for at := 0; at < len(b); {
		piece := bytes.Clone(b[at:min(at+n, len(b))])
		if hole > at && hole < at+len(piece) {
			piece = piece[:hole-at]
		}
		used := 0
		switch {
		case r.inPayload && at == hole:
			r.miss(1, true)
			used = 1
		case r.inPayload:
			used = r.readPayload(piece, longest)
		default:
			if used = r.readHeader(piece); r.headed() {
				r.begin()
			}
		}
		at += used
		if r.complete() {
			p := r.finish()
			line := fmt.Sprintf("%s length=%d payload=%q", r.frame.typ, r.frame.length, p)
			if r.frame.typ == TypeData {
				line = fmt.Sprintf("%s length=%d body=%q", r.frame.typ, r.frame.length, r.body.collected)
			}
			if r.truncated {
				line += " truncated"
			}
			lines = append(lines, line)
			r.release()
		}
		clear(piece)
	}
	next := -int64(r.gathered)
	if r.inPayload {
		next = r.left
	}
	return append(lines, fmt.Sprintf("next frame in %d", next))
}

func TestFramer(t *testing.T) {
	stream := bytes.Join([][]byte{
		wire(TypePing, 0, 0, []byte("12345678")),
		wire(TypeSettings, FlagAck, 0, nil),
		wire(TypeData, 0, 1, []byte("abcdefgh")),
		wire(TypeGoAway, 0, 0, []byte("0123456789abcdef")),
		wire(TypePing, 0, 0, nil)[:5],
	}, nil)
	for _, tt := range []struct {
		name          string
		stream        []byte
		hole, longest int
		want          []string
	}{
		{"whole", stream, -1, 16, []string{
			`PING length=8 payload="12345678"`, `SETTINGS length=0 payload=""`,
			`DATA length=8 body="abcd"`, `GOAWAY length=16 payload="0123456789abcdef"`, "next frame in -5",
		}},
		{"longer than is kept", stream, -1, 10, []string{
			`PING length=8 payload="12345678"`, `SETTINGS length=0 payload=""`,
			`DATA length=8 body="abcd"`, `GOAWAY length=16 payload="0123456789" truncated`, "next frame in -5",
		}},
		{"loss in a payload", stream, 12, 16, []string{
			`PING length=8 payload="123" truncated`, `SETTINGS length=0 payload=""`,
			`DATA length=8 body="abcd"`, `GOAWAY length=16 payload="0123456789abcdef"`, "next frame in -5",
		}},
		{"loss in DATA", stream, 37, 16, []string{
			`PING length=8 payload="12345678"`, `SETTINGS length=0 payload=""`,
			`DATA length=8 body="ab" truncated`, `GOAWAY length=16 payload="0123456789abcdef"`, "next frame in -5",
		}},
		{"ends in a payload", stream[:20+9+9+2], -1, 16, []string{
			`PING length=8 payload="12345678"`, `SETTINGS length=0 payload=""`, "next frame in 3",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; n <= len(tt.stream); n++ {
				if diff := cmp.Diff(tt.want, cutFrames(tt.stream, n, tt.hole, tt.longest)); diff != "" {
					t.Fatalf("%d bytes at a time (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}
