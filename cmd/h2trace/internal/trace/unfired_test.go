//go:build linux

package trace

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

const (
	ms = ktime.Time(time.Millisecond)
	// oneWayPID is the process of the connections below.
	oneWayPID = 7
)

var (
	oneWayLocal  = netip.MustParseAddrPort("192.0.2.1:40000")
	oneWayRemote = netip.MustParseAddrPort("192.0.2.2:443")
)

// oneWayTest is an unfired with a process that runs an executable.
type oneWayTest struct {
	*unfired
	table     *connTable
	exe       *bpf.Executable
	out, said bytes.Buffer
}

func newOneWayTest(t *testing.T, opts *Options) *oneWayTest {
	t.Helper()
	w := &oneWayTest{exe: &bpf.Executable{Calls: true, Plan: &plan.Plan{Sites: []plan.Site{
		{Tap: plan.Read, Kind: plan.Memmove}, {Tap: plan.Write, Kind: plan.Push},
	}}}}
	w.table = newTestTable(t, &w.out)
	running := func() []process.Process { return []process.Process{{PID: oneWayPID, Exe: "/bin/one", File: w.exe}} }
	w.unfired = newUnfired(w.table, running, opts, message.New(&w.said, false))
	return w
}

// open opens a connection at a time. It shows plaintext in one direction.
func (w *oneWayTest) open(id uint64, at ktime.Time, dir int) {
	head := bpf.Head{PID: oneWayPID, Conn: id, Time: at}
	w.table.open(&bpf.Open{Head: head, Handshake: true, Role: bpf.RoleClient, Local: oneWayLocal, Remote: oneWayRemote})
	w.talk(id, at, dir)
}

func (w *oneWayTest) talk(id uint64, at ktime.Time, dir int) {
	w.table.byID[id].releaseEarly(0)
	w.table.byID[id].early.over = true
	head := bpf.Head{PID: oneWayPID, Conn: id, Time: at}
	w.table.data(&bpf.Data{Head: head, Dir: dir, Payload: []byte("GET / HTTP/1.1\r\n\r\n")})
}

// see looks at the socket, some time after it looked whether that is of use.
func (w *oneWayTest) see(t *testing.T, at ktime.Time, s bpf.Socket) {
	t.Helper()
	w.look(at)
	s.PID, s.Local, s.Remote = oneWayPID, oneWayLocal, oneWayRemote
	if err := w.judge(&look{at + ms, at + 2*ms, []bpf.Socket{s}}); err != nil {
		t.Fatal(err)
	}
}

// losses returns the connections of which a loss is printed.
func (w *oneWayTest) losses(t *testing.T) (conns string) {
	t.Helper()
	if err := w.table.events.Flush(); err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(&w.out); d.More(); {
		var e struct {
			Event, Conn string
			Reason      export.LossReason
			Records     uint64
			Bytes       *uint64
		}
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Event == "loss" {
			conns += e.Conn
			if e.Reason != export.LossGap || e.Records != 0 || e.Bytes != nil {
				t.Errorf("got %+v", e)
			}
		}
	}
	return conns
}

// TestUnfired looks at the socket of a connection three times.
func TestUnfired(t *testing.T) {
	const much = 1 << 20
	moved := func(dir int, n ...uint64) (list [3]bpf.Socket) {
		for i := range list {
			list[i].Moved = bpf.Moved{much, much}
			list[i].Moved[dir] = n[i]
		}
		return list
	}
	each := func(list [3]bpf.Socket, f func(*bpf.Socket)) [3]bpf.Socket {
		for i := range list {
			f(&list[i])
		}
		return list
	}
	received := moved(bpf.Recv, 5000, 5000, much)
	const never = " never fired while data was "
	tests := []struct {
		name    string
		shows   int // the direction with plaintext
		sockets [3]bpf.Socket
		before  func(*oneWayTest) // the last look
		want    string            // of the message
	}{
		{"received", bpf.Send, received, nil, "read probe (CALL runtime.memmove)" + never + "received"},
		{"sent", bpf.Recv, moved(bpf.Send, 5000, 5000, much), nil, "write probe (PUSH BP)" + never + "sent"},
		{"moved before", bpf.Send, moved(bpf.Recv, much, much, much), nil, ""},
		{"alerts and tickets received", bpf.Send, moved(bpf.Recv, 5000, 5000, 5000+movedBytes[bpf.Recv]), nil, ""},
		{"alerts sent", bpf.Recv, moved(bpf.Send, 5000, 5000, 5000+movedBytes[bpf.Send]), nil, ""},
		{"not read", bpf.Send, each(received, func(s *bpf.Socket) { s.Path.Unread = uint32(s.Moved[bpf.Recv] - 5000) }), nil, ""},
		{"kernel TLS", bpf.Send, each(received, func(s *bpf.Socket) { s.ULP = true }), nil, ""},
		{"both ways", bpf.Send, received, func(w *oneWayTest) { w.talk(1, 900*ms, bpf.Recv) }, ""},
		{"both ways on another", bpf.Send, received, func(w *oneWayTest) { w.open(2, 900*ms, bpf.Recv) }, ""},
		{"records lost", bpf.Send, received, func(w *oneWayTest) {
			state := bpf.ConnState{ID: 2, PID: oneWayPID}
			state.Offset[bpf.Recv] = 1
			w.table.kernel.(*fakeKernel).conns = []bpf.ConnState{state}
		}, ""},
		{"bytes from packets", bpf.Send, received, func(w *oneWayTest) {
			w.exe = &bpf.Executable{Plan: w.exe.Plan}
		}, ""},
		{"closed", bpf.Send, received, func(w *oneWayTest) {
			if err := w.table.close(&bpf.Close{Head: bpf.Head{PID: oneWayPID, Conn: 1, Time: 900 * ms}}); err != nil {
				panic(err)
			}
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newOneWayTest(t, &Options{Plan: PlanAuto, Sources: Sources{Calls: true}})
			w.open(1, 10*ms, tt.shows)
			for i, at := range []ktime.Time{300 * ms, 600 * ms, 1000 * ms} {
				if i == 2 && tt.before != nil {
					tt.before(w)
				}
				w.see(t, at, tt.sockets[i])
				if i < 2 && w.losses(t) != "" {
					t.Errorf("a loss after look %d", i+1)
				}
			}
			w.see(t, 2000*ms, tt.sockets[2]) // nothing is reported again
			wantLosses, wantMessage := "", ""
			if tt.want != "" {
				wantLosses, wantMessage = "c1", "h2trace: /bin/one: the "+tt.want+"; what is "
			}
			if got := w.losses(t); got != wantLosses {
				t.Errorf("losses of %q, want %q", got, wantLosses)
			}
			if got := w.said.String(); !strings.HasPrefix(got, wantMessage) || (got == "") != (tt.want == "") {
				t.Errorf("got %q, want %q", got, wantMessage)
			}
		})
	}
}

// TestUnfiredWhenNew has connections that are too young to be looked at, or become
// suspect while the sockets are listed: those bytes may be of a handshake.
func TestUnfiredWhenNew(t *testing.T) {
	w := newOneWayTest(t, &Options{Sources: Auto})
	w.open(1, 10*ms, bpf.Send)
	if soon, unsure := w.look(10*ms + ktime.Time(silence) - 1); !soon || unsure {
		t.Errorf("young: soon %t, unsure %t", soon, unsure)
	}
	for _, first := range []bool{true, false} { // to look soon, once
		if soon, unsure := w.look(300 * ms); soon != first || !unsure {
			t.Errorf("old: soon %t, unsure %t, want %t, true", soon, unsure, first)
		}
	}
	s := bpf.Socket{PID: oneWayPID, Local: oneWayLocal, Remote: oneWayRemote}
	for _, l := range []look{{begin: 200 * ms, at: 400 * ms}, {begin: 500 * ms, at: 600 * ms}} {
		l.list = []bpf.Socket{s}
		if err := w.judge(&l); err != nil {
			t.Fatal(err)
		}
		s.Moved[bpf.Recv] += 1 << 20
	}
	if got := w.losses(t); got != "" {
		t.Errorf("losses of %q", got)
	}
	w.open(2, 700*ms, bpf.Send)
	w.see(t, 1000*ms, s)
	s.Moved[bpf.Recv] += 1 << 20
	w.see(t, 1300*ms, s)
	if got := w.losses(t); got != "c1c2" {
		t.Errorf("losses of %q, want c1, then c2", got)
	}
	if got := w.said.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "is missing; try --plan entry-ret\n") {
		t.Errorf("got messages %q, want one for the executable", got)
	}
}

// TestUnfiredLater has a server of which nothing that it sends is seen. What that changes
// stays unknown, also of streams that begin after the loss is reported.
func TestUnfiredLater(t *testing.T) {
	w := newOneWayTest(t, &Options{Sources: Auto})
	w.table.open(&bpf.Open{
		Head:      bpf.Head{PID: oneWayPID, Conn: 1, Time: 10 * ms},
		Handshake: true, Role: bpf.RoleServer, Local: oneWayLocal, Remote: oneWayRemote,
	})
	var frames bytes.Buffer
	var next [2]position
	say := func(at ktime.Time) {
		d := dataRecord(bpf.Recv, &next, &frames)
		d.Head = bpf.Head{PID: oneWayPID, Conn: 1, Time: at}
		w.table.data(d)
	}
	framer := http2.NewFramer(&frames, nil)
	request := http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}, EndHeaders: true}
	frames.WriteString(http2.ClientPreface)
	do(t, framer.WriteSettings())
	do(t, framer.WriteHeaders(request))
	say(20 * ms)
	s := bpf.Socket{}
	for _, at := range []ktime.Time{300 * ms, 600 * ms} {
		w.see(t, at, s)
		s.Moved[bpf.Send] += 1 << 20
	}
	request.StreamID = 3
	do(t, framer.WriteHeaders(request))
	say(700 * ms)
	do(t, framer.WriteWindowUpdate(3, 1))
	say(800 * ms)
	do(t, w.table.events.Flush())
	out := w.out.String()
	if got := w.losses(t); got != "c1" {
		t.Errorf("losses of %q", got)
	}
	const unknown = `"increment":1,"window":{"conn_send":null,"conn_recv":null,"stream_send":null,"stream_recv":null}`
	if !strings.Contains(out, unknown) {
		t.Errorf("no frame with %s:\n%s", unknown, out)
	}
}
