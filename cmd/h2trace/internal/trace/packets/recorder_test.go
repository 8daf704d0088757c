package packets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
	"h2trace/export"
)

// TestSecretsComeFirst reports the secrets after the packets. They are written before the
// first packet that they open, and none is twice.
func TestSecretsComeFirst(t *testing.T) {
	for _, tt := range []struct {
		name   string
		labels []string
	}{{"TLS 1.3", tls13}, {"TLS 1.2", []string{bpf.LabelMaster}}} {
		t.Run(tt.name, func(t *testing.T) {
			c := conversation{socket: 1, pid: 7}
			r := recording(t, newFiles(), true, c.packet(t, bpf.Send, "SYN", ""), c.packet(t, bpf.Recv, "SYN", ""))
			r.Start()
			r.idles(t)
			r.source.add(c.packet(t, bpf.Send, "", hello(handshake.TypeClientHello, random{1})))
			r.waits(t) // for its name
			r.Name(1, "c1 of go[7]")
			r.Read(c.at)
			r.idles(t)
			r.source.add(c.packet(t, bpf.Recv, "", hello(handshake.TypeServerHello, random{2})), c.packet(t, bpf.Send, "", "request"),
				c.packet(t, bpf.Send, "FIN", ""), c.packet(t, bpf.Recv, "FIN", ""))
			r.waits(t) // for its secrets
			for range 2 {
				for _, s := range secrets(random{1}, tt.labels...) {
					r.Secret(s)
				}
			}
			r.Read(c.at)
			want := "section\ninterface go[7]\npacket of 0: SYN\npacket of 0: SYN\npacket of 0: ClientHello: c1 of go[7]\n" +
				"secret " + strings.Join(tt.labels, "\nsecret ") + "\npacket of 0: ServerHello\npacket of 0: request\n" +
				"packet of 0: FIN\npacket of 0: FIN\nstatistics of 0: 0 dropped\n"
			if diff := cmp.Diff([]string{want}, r.finish(t, Totals{Written: 7})); diff != "" {
				t.Error(diff)
			}
			if len(r.sessions) != 0 || len(r.flows.bySocket) != 0 || len(r.names) != 0 {
				t.Errorf("%d sessions, %d connections, %d names are kept", len(r.sessions), len(r.flows.bySocket), len(r.names))
			}
		})
	}
}

// TestNoSecretsWanted reports secrets that no file is to have: nothing waits for them, and they
// are not kept.
func TestNoSecretsWanted(t *testing.T) {
	c := conversation{socket: 1, pid: 7}
	r := recording(t, newFiles(), false, c.packet(t, bpf.Send, "", hello(handshake.TypeClientHello, random{1})), c.packet(t, bpf.Recv, "", hello(handshake.TypeServerHello, random{2})))
	r.Read(c.at)
	r.Start()
	r.Secret(secrets(random{1}, bpf.LabelMaster)[0])
	if got := r.finish(t, Totals{Written: 2})[0]; strings.Contains(got, "secret") || len(r.sessions)+len(r.fresh) > 0 {
		t.Errorf("kept %d and %d sessions\n%s", len(r.sessions), len(r.fresh), got)
	}
}

// TestComplete reports the secrets of a session one by one: some do not open what a server sends.
func TestComplete(t *testing.T) {
	for _, labels := range [][]string{tls13, {bpf.LabelMaster}} {
		r := recording(t, newFiles(), true)
		for _, s := range secrets(random{1}, labels...) {
			if r.has(random{1}) {
				t.Errorf("complete before %s", s.Label)
			}
			r.Secret(s)
		}
		if !r.has(random{1}) || r.has(random{2}) {
			t.Errorf("complete: %v, and another session: %v", r.has(random{1}), r.has(random{2}))
		}
	}
}

// TestPatience has secrets that do not come. Nothing waits for those of a process again, until
// one comes; nor where the buffer fills up.
func TestPatience(t *testing.T) {
	c := conversation{socket: 1, pid: 7, at: 10}
	r := recording(t, newFiles(), true)
	now := ktime.Time(100)
	r.opts.Now = func() ktime.Time { return now }
	r.begin()
	r.Read(1 << 20)
	waits := func(what string, want bool) {
		t.Helper()
		if err := r.record(c.packet(t, bpf.Send, "", hello(handshake.TypeClientHello, random{1}))); err != nil {
			t.Fatal(err)
		}
		asked := 0
		r.opts.Now = func() ktime.Time { // it is asked while a packet waits
			asked++
			return now
		}
		err := r.record(c.packet(t, bpf.Recv, "", hello(handshake.TypeServerHello, random{2})))
		if err != nil || (asked > 0) != want {
			t.Errorf("%s: waits %v, want %v, %v", what, asked > 0, want, err)
		}
	}
	r.source.crowded = true
	waits("crowded", false)
	r.source.crowded = false
	now = ktime.Time(patience) + 100
	waits("no secrets", true)
	waits("again", false)
	r.Secret(secrets(random{1}, bpf.LabelMaster)[0])
	waits("with secrets", false)
	r.drop(random{1})
	r.sessions = make(map[random]*session)
	waits("they came before", true)
}

// TestBothEnds has both ends of a connection on this host: its packets are in the file once,
// as they were sent. The ServerHello waits for the secrets that the client derives.
func TestBothEnds(t *testing.T) {
	c := conversation{socket: 1, pid: 7}
	var packets []*bpf.Captured
	both := func(dir int, flag, payload string) {
		p := c.packet(t, dir, flag, payload)
		// The other end sees it after that.
		at, other := *p, *p
		at.Dir, at.Socket, at.PID = bpf.Send, uint64(1+dir), 7+dir
		other.Dir, other.Socket, other.PID = bpf.Recv, uint64(2-dir), 8-dir
		packets = append(packets, &at, &other)
	}
	both(bpf.Send, "SYN", "")
	both(bpf.Recv, "SYN", "")
	both(bpf.Send, "", hello(handshake.TypeClientHello, random{1}))
	r := recording(t, newFiles(), true, packets...)
	r.Read(c.at)
	r.Start()
	r.idles(t)
	packets = nil
	both(bpf.Recv, "", hello(handshake.TypeServerHello, random{2}))
	both(bpf.Recv, "FIN", "")
	both(bpf.Send, "FIN", "")
	r.source.add(packets...)
	r.Read(c.at)
	r.waits(t)
	for _, s := range secrets(random{1}, tls13...) {
		r.Secret(s)
	}
	r.Read(c.at)
	want := `section
interface go[7]
packet of 0: SYN
interface go[8]
packet of 1: SYN
packet of 0: ClientHello
secret CLIENT_HANDSHAKE_TRAFFIC_SECRET
secret SERVER_HANDSHAKE_TRAFFIC_SECRET
secret CLIENT_TRAFFIC_SECRET_0
secret SERVER_TRAFFIC_SECRET_0
packet of 1: ServerHello
packet of 1: FIN
packet of 0: FIN
statistics of 0: 0 dropped
statistics of 1: 0 dropped
`
	if diff := cmp.Diff([]string{want}, r.finish(t, Totals{Written: 6})); diff != "" {
		t.Error(diff)
	}
	if len(r.sessions) != 0 || len(r.flows.bySocket) != 0 {
		t.Errorf("%d sessions, %d connections are kept", len(r.sessions), len(r.flows.bySocket))
	}
}

// TestRotation begins a file with each packet. Each has what it needs: of the secrets those of
// connections that are open.
func TestRotation(t *testing.T) {
	c, over := conversation{socket: 1, pid: 7, at: 10}, conversation{socket: 2, pid: 7}
	f := newFiles()
	f.limit = 1
	r := recording(t, f, true,
		over.packet(t, bpf.Send, "", hello(handshake.TypeClientHello, random{9})), over.packet(t, bpf.Send, "RST", ""),
		c.packet(t, bpf.Send, "", hello(handshake.TypeClientHello, random{1})), c.packet(t, bpf.Recv, "", hello(handshake.TypeServerHello, random{2})),
		c.packet(t, bpf.Send, "", "request"))
	for _, s := range append(secrets(random{9}, bpf.LabelMaster), secrets(random{1}, tls13...)...) {
		r.Secret(s)
	}
	r.source.lost = map[int]bpf.Uncaptured{7: {Packets: 2, Bytes: 100}}
	r.Read(c.at)
	r.Start()
	r.idles(t)
	const head, four = "section\n", "secret CLIENT_HANDSHAKE_TRAFFIC_SECRET\nsecret SERVER_HANDSHAKE_TRAFFIC_SECRET\n" +
		"secret CLIENT_TRAFFIC_SECRET_0\nsecret SERVER_TRAFFIC_SECRET_0\n"
	file := func(secrets, packet string, dropped int) string {
		return head + secrets + "interface go[7]\npacket of 0: " + packet + fmt.Sprintf("\nstatistics of 0: %d dropped\n", dropped)
	}
	want := []string{
		head, file("secret CLIENT_RANDOM\n"+four, "ClientHello", 2), file("secret CLIENT_RANDOM\n", "RST", 0),
		file(four, "ClientHello", 0), file(four, "ServerHello", 0), file(four, "request", 0),
	}
	if diff := cmp.Diff(want, r.finish(t, Totals{Written: 5, Lost: 2})); diff != "" {
		t.Error(diff)
	}
}

// TestNoRoom cannot write, or cannot begin a file. It says so once, leaves whole blocks, and counts what is missing.
func TestNoRoom(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		files      func(*files)
	}{
		{"full", "h2trace: the observation goes on without packets: no space left on device\n", func(f *files) { f.room = 200 }},
		{"next", "h2trace: the observation goes on without packets: another file for packets: forbidden\n", func(f *files) {
			f.limit, f.fails = 1, errors.New("forbidden")
		}},
		{"within a packet", "h2trace: the observation goes on without packets: no space left on device\n", func(f *files) { f.room = 450 }},
		{"reader", "", func(f *files) { f.limit, f.fails = 1, export.ErrReaderGone }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := conversation{socket: 1, pid: 7}
			f := newFiles()
			tt.files(f)
			r := recording(t, f, true, c.packet(t, bpf.Send, "", "first"))
			r.Read(1 << 20)
			r.Start()
			r.idles(t)
			for range 3 {
				r.Secret(secrets(random{1}, bpf.LabelMaster)[0])
				r.source.add(c.packet(t, bpf.Send, "", strings.Repeat("x", 100)))
				r.idles(t)
			}
			total, err := r.Finish()
			if err != nil || total.Written+total.Unwritten != 4 || total.Unwritten == 0 || r.said.String() != tt.said {
				t.Errorf("got %+v, %v, said %q", total, err, r.said.String())
			}
			var whole uint64
			for _, file := range f.list {
				whole += uint64(strings.Count(blocks(t, file.Bytes()), "packet of"))
			}
			if whole != total.Written || f.lacking != total.Unwritten {
				t.Errorf("%d whole packets are there, and %d are said to lack; want %+v", whole, f.lacking, total)
			}
			if len(r.sessions)+len(r.fresh) > 0 {
				t.Errorf("kept %d and %d sessions", len(r.sessions), len(r.fresh))
			}
		})
	}
}

// TestBounds has more connections, sessions and programs than are kept.
func TestBounds(t *testing.T) {
	r := recording(t, newFiles(), true)
	r.begin()
	r.Read(1 << 40)
	for i := range uint64(3 * maxKept) {
		c := conversation{socket: i, pid: int(i)}
		var of random
		binary.LittleEndian.PutUint64(of[:], i)
		r.Name(i, "c")
		r.Secret(secrets(of, bpf.LabelMaster)[0])
		p := c.packet(t, bpf.Send, "", hello(handshake.TypeClientHello, of))
		binary.BigEndian.PutUint32(p.Bytes[12:], uint32(i))
		if err := r.record(p); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(3 * maxKept) { // of sessions without packets
		var of random
		binary.LittleEndian.PutUint64(of[:], 1<<40+i)
		r.Secret(secrets(of, bpf.LabelMaster)[0])
	}
	if len(r.flows.bySocket) > maxFlows || len(r.flows.sent) > maxFlows || len(r.sessions) > maxKept || len(r.names) > maxKept ||
		len(r.fresh) > maxKept || len(r.file.ordered) > maxInterfaces+1 || r.total.Written != 3*maxKept {
		t.Errorf("kept %d connections, %d paths, %d sessions, %d names, %d fresh, %d programs",
			len(r.flows.bySocket), len(r.flows.sent), len(r.sessions), len(r.names), len(r.fresh), len(r.file.ordered))
	}
}
