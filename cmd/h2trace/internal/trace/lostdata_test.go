//go:build linux

package trace

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"h2trace/bpf"
)

// TestLostPayload loses a record of calls in the middle of a DATA payload. The loss is
// announced, the frame is truncated, and what follows is decoded as if nothing was lost.
// If the other direction goes on before it is known what is missing, the windows are
// asked for.
func TestLostPayload(t *testing.T) {
	for name, stale := range map[string]bool{"in a row": false, "the other direction goes on": true} {
		t.Run(name, func(t *testing.T) { losePayload(t, stale) })
	}
}

func losePayload(t *testing.T, stale bool) {
	var out, frames bytes.Buffer
	table := newTestTable(t, &out)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: 1}, Role: bpf.RoleServer, Handshake: true})
	var next [2]position
	say := func(dir int) {
		table.data(dataRecord(dir, &next, &frames))
	}
	framer := http2.NewFramer(&frames, nil)
	frames.WriteString(http2.ClientPreface)
	do(t, framer.WriteSettings())
	do(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x83}, EndHeaders: true}))
	say(bpf.Recv)
	do(t, framer.WriteSettings())
	say(bpf.Send)
	do(t, framer.WriteData(1, false, make([]byte, 16384)))
	whole := bytes.Clone(frames.Bytes())
	frames.Reset()
	frames.Write(whole[:4096])
	say(bpf.Recv)
	frames.Write(whole[4096:12288])
	lost := dataRecord(bpf.Recv, &next, &frames)
	window := "49151"
	if stale {
		do(t, framer.WriteSettingsAck())
		d := dataRecord(bpf.Send, &next, &frames)
		d.Stale = true
		table.data(d)
		window = "null"
	}
	frames.Write(whole[12288:])
	do(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: []byte{0x82}, EndStream: true, EndHeaders: true}))
	after := dataRecord(bpf.Recv, &next, &frames)
	after.Lost, after.LostBytes = 1<<bpf.RingFull, uint64(len(lost.Payload))
	table.data(after)
	if asked := table.byID[1].missing != nil; asked != stale {
		t.Errorf("windows are asked for: %t", asked)
	}
	do(t, table.endAll())
	do(t, table.events.Flush())
	for _, want := range []string{
		`"event":"loss","reason":"ring_full","records":1,"bytes":8192,"conn":"c1"`,
		`"type":"DATA","flags":[],"length":16384,"data_length":16384,"window":{"conn_send":`,
		`"conn_recv":` + window,
		`"truncated":true`,
		`"stream":3,"type":"HEADERS","flags":["END_STREAM","END_HEADERS"],"length":1,"headers":[{"name":":method","value":"GET"}]`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "resync") {
		t.Errorf("a resync in\n%s", &out)
	}
}
