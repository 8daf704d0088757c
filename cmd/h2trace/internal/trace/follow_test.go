package trace

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// TestGuide has the kernel report segments in which it lost the frame boundaries. The
// engine gives it the offset of a frame as soon as that is of use.
func TestGuide(t *testing.T) {
	var frames bytes.Buffer
	framer := http2.NewFramer(&frames, nil)
	frames.WriteString(http2.ClientPreface)
	starts := []int{frames.Len()}
	add := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
		starts = append(starts, frames.Len())
	}
	add(framer.WriteSettings())
	for range 40 {
		add(framer.WriteData(1, false, make([]byte, 10_000)))
	}
	http1 := strings.NewReader("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", frames.Len()))
	table := newTestTable(t, io.Discard)
	for i, tt := range []struct {
		name     string
		stream   io.Reader
		followed bool
		idle     bool // after the first 200 kB
		want     int
	}{
		{name: "idle", stream: bytes.NewReader(frames.Bytes()), idle: true, want: starts[21]},
		{name: "busy", stream: bytes.NewReader(frames.Bytes()), want: starts[29]}, // 256 KiB were copied
		{name: "followed", stream: bytes.NewReader(frames.Bytes()), followed: true, idle: true},
		{name: "HTTP/1.1", stream: http1, idle: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := uint64(i + 1)
			table.open(&bpf.Open{Head: bpf.Head{Conn: conn, PID: 9}, Role: bpf.RoleServer, Cleartext: true, Handshake: true})
			buf, at := make([]byte, 5000), 0
			for seq := uint64(0); ; seq++ {
				n, err := io.ReadFull(tt.stream, buf)
				if err != nil && err != io.ErrUnexpectedEOF {
					break
				}
				table.segment(&bpf.Segment{
					Head: bpf.Head{Conn: conn, PID: 9, Time: ktime.Time(seq)},
					Dir:  bpf.Recv, Seq: seq, Offset: uint64(at), Payload: buf[:n], Followed: tt.followed,
				})
				if at += n; tt.idle && at == 200_000 {
					if err := table.expire(0, true); err != nil {
						t.Fatal(err)
					}
					break
				}
			}
			do(t, table.send())
			var got uint64
			if w := table.kernel.(*fakeKernel).wishes[conn]; w.Payload != nil {
				got = w.Payload.Place[bpf.Recv]
			}
			if got != uint64(tt.want) {
				t.Errorf("got place %d, want %d; frames begin at %d", got, tt.want, starts)
			}
		})
	}
}
