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
	w := newWriter(t)
	table := w.table
	do(t, table.endProcess(9, w.at, nil))
	w.socket.Path.Unsent = 13
	table.left(9, []bpf.Socket{w.socket})
	w.after(t, 900*time.Millisecond)
	w.credit(t)
	if closes, data := table.closing.due(); !closes || !data {
		t.Errorf("a close is awaited: %v, data: %v", closes, data)
	}
	do(t, table.close(&bpf.Close{Head: bpf.Head{Conn: 1, PID: 9, Time: w.at}, Socket: true}))
	if closes, data := table.closing.due(); closes || data {
		t.Errorf("after the close, one is awaited: %v, data: %v", closes, data)
	}
	w.after(t, closeLinger)
	if w.count(t, `"close"`) != 0 {
		t.Fatal("closed before it has lingered")
	}
	w.after(t, 1)
	if w.count(t, `"open"`) != 1 || w.count(t, `"WINDOW_UPDATE"`) != 1 || w.count(t, `"action":"close"`) != 1 {
		t.Errorf("got\n%s", w.out)
	}
	if len(table.byID) != 0 || len(table.closing.list) != 0 || len(table.closing.left) != 0 {
		t.Errorf("kept: %d, %d and %d connections", len(table.byID), len(table.closing.list), len(table.closing.left))
	}
}

// writer is a connection of process 9 on which frames are sent, one after the other.
type writer struct {
	table  *connTable
	out    *bytes.Buffer
	at     ktime.Time
	frames bytes.Buffer
	framer *http2.Framer
	next   [2]position
	socket bpf.Socket
}

// newWriter opens it, and sends the preface.
func newWriter(t *testing.T) *writer {
	w := &writer{out: new(bytes.Buffer), at: 1}
	w.table, w.framer = newTestTable(t, w.out), http2.NewFramer(&w.frames, nil)
	w.socket = bpf.Socket{PID: 9, Local: netip.MustParseAddrPort("192.0.2.1:40000"), Remote: netip.MustParseAddrPort("192.0.2.2:80")}
	w.table.open(&bpf.Open{
		Head: bpf.Head{Conn: 1, PID: 9, Time: w.at}, Role: bpf.RoleClient, Wire: bpf.WireHTTP, Handshake: true,
		Local: w.socket.Local, Remote: w.socket.Remote,
	})
	w.frames.WriteString(http2.ClientPreface)
	do(t, w.framer.WriteSettings())
	w.send()
	return w
}

func (w *writer) send() {
	d := dataRecord(bpf.Send, &w.next, &w.frames)
	d.Time = w.at
	give(w.table, true, d)
}

// credit sends a WINDOW_UPDATE frame.
func (w *writer) credit(t *testing.T) {
	t.Helper()
	do(t, w.framer.WriteWindowUpdate(0, 5))
	w.send()
}

func (w *writer) after(t *testing.T, d time.Duration) {
	t.Helper()
	w.at = w.at.Add(d)
	do(t, w.table.expire(w.at, true))
}

// count returns how many events have a word.
func (w *writer) count(t *testing.T, word string) int {
	t.Helper()
	do(t, w.table.send())
	do(t, w.table.events.Flush())
	return strings.Count(w.out.String(), word)
}

// TestSentAfterExecAndExit has TCP send what a program has left that executed another one, which
// has exited since.
func TestSentAfterExecAndExit(t *testing.T) {
	w := newWriter(t)
	do(t, w.table.endProcess(9, w.at, nil))
	if _, data := w.table.closing.due(); !data {
		t.Error("nobody knows that all is sent, and it is not awaited")
	}
	w.after(t, 500*time.Millisecond)
	do(t, w.table.endProcess(9, w.at, nil))
	w.table.left(9, []bpf.Socket{{PID: 9, Local: w.socket.Remote, Remote: w.socket.Local}})
	w.credit(t)
	w.after(t, 500*time.Millisecond)
	w.credit(t)
	if opens, closes := w.count(t, `"open"`), w.count(t, `"close"`); opens != 1 || closes != 0 {
		t.Fatalf("%d connections, %d closed, want one that is open", opens, closes)
	}
	w.after(t, exitLinger-time.Second+1)
	if frames, closes := w.count(t, `"WINDOW_UPDATE"`), w.count(t, `"close"`); frames != 2 || closes != 1 {
		t.Errorf("%d frames, %d closed, want 2 and 1\n%s", frames, closes, w.out)
	}
}

// TestKeptAtExec has a program go on with a connection that it has from the one before.
func TestKeptAtExec(t *testing.T) {
	w := newWriter(t)
	do(t, w.table.endProcess(9, w.at, []bpf.Socket{w.socket}))
	w.after(t, 10*exitLinger)
	w.credit(t)
	if frames, opens, closes := w.count(t, `"WINDOW_UPDATE"`), w.count(t, `"open"`), w.count(t, `"close"`); frames != 1 || opens != 1 || closes != 0 {
		t.Errorf("%d frames on %d connections, %d closed, want one frame on one that is open", frames, opens, closes)
	}
	do(t, w.table.endProcess(9, w.at, nil))
	w.after(t, exitLinger+1)
	if closes := w.count(t, `"close"`); closes != 1 {
		t.Errorf("%d closed after the exit, want 1\n%s", closes, w.out)
	}
}
