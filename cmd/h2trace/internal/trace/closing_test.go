//go:build linux

package trace

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// TestSentAfterExit has TCP send a frame of a process that has ended, and close later: the frame
// belongs to the connection, which is open until then.
func TestSentAfterExit(t *testing.T) {
	var out, frames bytes.Buffer
	table := newTestTable(t, &out)
	at := ktime.Time(1)
	local, remote := netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:80")
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: at}, Role: bpf.RoleClient, Wire: bpf.WireHTTP, Handshake: true, Local: local, Remote: remote})
	var next [2]position
	framer := http2.NewFramer(&frames, nil)
	send := func() {
		d := dataRecord(bpf.Send, &next, &frames)
		d.Time = at
		give(table, true, d)
	}
	after := func(d time.Duration) {
		at = at.Add(d)
		do(t, table.expire(at, true))
	}
	frames.WriteString(http2.ClientPreface)
	do(t, framer.WriteSettings())
	send()
	do(t, table.endProcess(9, at))
	table.left(9, []bpf.Socket{{PID: 9, Local: local, Remote: remote, Path: bpf.Path{Unsent: 13}}})
	after(900 * time.Millisecond)
	do(t, framer.WriteWindowUpdate(0, 5))
	send()
	if closes, data := table.closing.due(); !closes || !data {
		t.Errorf("a close is awaited: %v, data: %v", closes, data)
	}
	do(t, table.close(&bpf.Close{Head: bpf.Head{Conn: 1, PID: 9, Time: at}, Socket: true}))
	if closes, data := table.closing.due(); closes || data {
		t.Errorf("after the close, one is awaited: %v, data: %v", closes, data)
	}
	after(closeLinger)
	do(t, table.send())
	do(t, table.events.Flush())
	if strings.Contains(out.String(), `"close"`) {
		t.Fatal("closed before it has lingered")
	}
	after(1)
	do(t, table.send())
	do(t, table.events.Flush())
	got := out.String()
	if n := strings.Count(got, `"open"`); n != 1 || !strings.Contains(got, `"type":"WINDOW_UPDATE"`) || !strings.Contains(got, `"action":"close"`) {
		t.Errorf("got\n%s", got)
	}
	if len(table.byID) != 0 || len(table.closing.list) != 0 || len(table.closing.left) != 0 {
		t.Errorf("kept: %d, %d and %d connections", len(table.byID), len(table.closing.list), len(table.closing.left))
	}
}
