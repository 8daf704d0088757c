//go:build linux

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

// TestStale loses the request that a server answers. The response does not count as a frame
// on an idle stream, and its windows are unknown.
func TestStale(t *testing.T) {
	for _, tt := range []struct {
		name      string
		cleartext bool
	}{{"TLS", false}, {"without TLS", true}} {
		t.Run(tt.name, func(t *testing.T) {
			var out, frames bytes.Buffer
			table := newTestTable(t, &out)
			table.open(&bpf.Open{
				Head: bpf.Head{Conn: 1, PID: 9, Time: 1},
				Role: bpf.RoleServer, Wire: wireOf(tt.cleartext), Handshake: true,
			})
			var next [2]position
			say := func(dir int, lost, stale bool) {
				d := dataRecord(dir, &next, &frames)
				d.Stale = stale
				if !lost {
					give(table, tt.cleartext, d)
				}
			}
			framer := http2.NewFramer(&frames, nil)
			frames.WriteString(http2.ClientPreface)
			do(t, framer.WriteSettings())
			say(bpf.Recv, false, false)
			do(t, framer.WriteSettings())
			say(bpf.Send, false, false)
			do(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}, EndStream: true, EndHeaders: true}))
			say(bpf.Recv, true, false)
			do(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true}))
			say(bpf.Send, false, true)
			do(t, table.endAll())
			do(t, table.send())
			do(t, table.events.Flush())
			answer := ""
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, `"type":"HEADERS"`) {
					answer = line
				}
			}
			const unknown = `"window":{"conn_send":null,"conn_recv":null,"stream_send":null,"stream_recv":null}`
			if strings.Contains(answer, "violation") || !strings.Contains(answer, unknown) {
				t.Errorf("the answer is %s", answer)
			}
		})
	}
}

// TestLostEnd loses records on a connection without TLS: the response and the close, or
// records that may be the response. Then the end of the exchange and the received bytes are
// unknown.
func TestLostEnd(t *testing.T) {
	for _, tt := range []struct {
		name         string
		lost, exits  bool
		before       bool // the loss was before the last record
		want, unlike []string
	}{
		{"lost, then the process ends", true, true, false, []string{`"event":"exchange"`, `"bytes_received":null`}, []string{"aborted", `"unanswered":true`}},
		{"lost, then the observing ends", true, false, false, []string{`"event":"exchange"`}, []string{"aborted", `"open":true`}},
		{"lost before, then the process ends", true, true, true, []string{`"class":"aborted"`, `"bytes_received":0`}, nil},
		{"lost before, then the observing ends", true, false, true, []string{`"open":true`}, nil},
		{"the process ends", false, true, false, []string{`"class":"aborted"`, `"bytes_received":0`}, nil},
		{"the observing ends", false, false, false, []string{`"open":true`}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, asked := range []string{
				"GET /a HTTP/1.1\r\nHost: goproxy.example\r\n\r\n",
				http2.ClientPreface + settings(t) + request(t, 1),
			} {
				var out bytes.Buffer
				table := newTestTable(t, &out)
				table.lost = func() (uint64, error) {
					if tt.lost {
						return 2, nil
					}
					return 0, nil
				}
				if tt.before {
					table.audit.lost, table.audit.lostAt = 2, 1
				}
				table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: 1}, Role: bpf.RoleClient, Wire: bpf.WireHTTP, Handshake: true})
				table.segment(&bpf.Segment{Head: bpf.Head{Conn: 1, PID: 9, Time: 2}, Dir: bpf.Send, Payload: []byte(asked)})
				if tt.exits {
					do(t, table.endProcess(9, 100, nil))
				}
				do(t, table.endAll())
				do(t, table.events.Flush())
				for _, want := range tt.want {
					if !strings.Contains(out.String(), want) {
						t.Errorf("no %s in\n%s", want, &out)
					}
				}
				for _, no := range tt.unlike {
					if strings.Contains(out.String(), no) {
						t.Errorf("%s in\n%s", no, &out)
					}
				}
			}
		})
	}
}

// record returns a record of the frames, and empties the buffer.
func dataRecord(dir int, next *[2]position, frames *bytes.Buffer) *bpf.Data {
	at := &next[dir]
	d := &bpf.Data{
		Head: bpf.Head{Conn: 1, PID: 9, Time: ktime.Time(10 * (next[0].seq + next[1].seq + 1))},
		Dir:  dir, Seq: at.seq, Offset: at.offset, Payload: bytes.Clone(frames.Bytes()),
	}
	at.seq, at.offset = at.seq+1, at.offset+uint64(frames.Len())
	frames.Reset()
	return d
}

// TestAstray has a block that cannot be decoded. The engine then asks for the header table
// of the process. It does not ask again if the table does not arrive.
func TestAstray(t *testing.T) {
	for name, cleartext := range map[string]bool{"TLS": false, "without TLS": true} {
		t.Run(name, func(t *testing.T) { astray(t, cleartext) })
	}
}

func astray(t *testing.T, cleartext bool) {
	var out, frames bytes.Buffer
	table := newTestTable(t, &out)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: 1}, Role: bpf.RoleServer, Wire: wireOf(cleartext), Handshake: true})
	c := table.byID[1]
	var next [2]position
	framer := http2.NewFramer(&frames, nil)
	frames.WriteString(http2.ClientPreface)
	do(t, framer.WriteSettings())
	for i, tt := range []struct {
		block string
		asked bool
	}{{"\x82", false}, {"\x80", true}, {"\xbe", false}} {
		do(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: []byte(tt.block), EndStream: true, EndHeaders: true}))
		give(table, cleartext, dataRecord(bpf.Recv, &next, &frames))
		do(t, table.send())
		if asked := c.missing != nil; asked != tt.asked {
			t.Errorf("block %x: the table is asked for: %t", tt.block, asked)
		}
		table.recovery.leave(c)
	}
}

// TestAstrayWhileWanting has a block that cannot be decoded while the windows of the
// connection are still asked for, and both tables are known.
func TestAstrayWhileWanting(t *testing.T) {
	var frames bytes.Buffer
	table := newTestTable(t, io.Discard)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: 1}, Role: bpf.RoleServer, Handshake: true})
	var next [2]position
	framer := http2.NewFramer(&frames, nil)
	frames.WriteString(http2.ClientPreface)
	do(t, framer.WriteSettings())
	request := func(id uint32, block string) {
		do(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte(block), EndStream: true, EndHeaders: true}))
	}
	request(1, "\x82")
	table.data(dataRecord(bpf.Recv, &next, &frames))
	c := table.byID[1]
	table.recovery.want(c)
	do(t, table.send())
	if c.missing == nil {
		t.Fatal("nothing is asked for")
	}
	tables := func() bool { w := table.kernel.(*fakeKernel).wishes[1].Tables; return w != nil && w[bpf.Recv] > 0 }
	if tables() {
		t.Fatal("a table is asked for that is known")
	}
	request(3, "\x80")
	table.data(dataRecord(bpf.Recv, &next, &frames))
	do(t, table.send())
	if !tables() {
		t.Error("the table is not asked for")
	}
}

func do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
