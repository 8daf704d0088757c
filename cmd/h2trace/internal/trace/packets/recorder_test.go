package packets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

// source hands out packets. After the last one it waits.
type source struct {
	mu      sync.Mutex
	packets []*bpf.Captured
	crowded bool
	lost    map[int]bpf.Uncaptured
	waits   int // how often Wait was called
	done    chan struct{}
}

func newSource(packets ...*bpf.Captured) *source {
	return &source{packets: packets, done: make(chan struct{})}
}

func (s *source) Read() (*bpf.Captured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.packets) == 0 {
		return nil, nil
	}
	p := s.packets[0]
	s.packets = s.packets[1:]
	return p, nil
}

func (s *source) Wait(time.Duration) error {
	s.mu.Lock()
	s.waits++
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-time.After(time.Millisecond):
	}
	return nil
}

func (s *source) Finish() error {
	close(s.done)
	return nil
}

func (s *source) Crowded() bool { return s.crowded }

func (s *source) Losses() (map[int]bpf.Uncaptured, error) { return s.lost, nil }

// files keeps what is written, as one string for each file.
type files struct {
	mu    sync.Mutex
	list  []*bytes.Buffer
	limit int64
	room  int   // bytes of all files, 0 is no limit
	fails error // of Next
}

func newFiles() *files { return &files{list: []*bytes.Buffer{new(bytes.Buffer)}} }

func (f *files) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room > 0 && f.list[0].Len()+len(b) > f.room {
		return 0, errors.New("no space left on device")
	}
	return f.list[len(f.list)-1].Write(b)
}

func (f *files) Full(size int64) bool { return f.limit > 0 && size > f.limit }

func (f *files) Next() error {
	f.list = append(f.list, new(bytes.Buffer))
	return f.fails
}

// blocks says what a file has, a line a block.
func blocks(t *testing.T, file []byte) string {
	t.Helper()
	var lines []string
	for len(file) > 0 {
		n := binary.LittleEndian.Uint32(file[4:])
		b := file[8 : n-4]
		switch kind := binary.LittleEndian.Uint32(file); kind {
		case 0x0a0d0d0a:
			lines = append(lines, "section")
		case 1:
			lines = append(lines, "interface "+optionText(b[8:], 2))
		case 5:
			lines = append(lines, fmt.Sprintf("statistics of %d: %d dropped", b[0], b[len(b)-4-12-8]))
		case 6:
			caplen := binary.LittleEndian.Uint32(b[12:])
			line := fmt.Sprintf("packet of %d: %s", b[0], describe(b[20:20+caplen]))
			if comment := optionText(b[20+(caplen+3)&^3:], 1); comment != "" {
				line += ": " + comment
			}
			lines = append(lines, line)
		case 10:
			for line := range strings.Lines(string(b[8 : 8+binary.LittleEndian.Uint32(b[4:])])) {
				label, _, _ := strings.Cut(line, " ")
				lines = append(lines, "secret "+label)
			}
		default:
			t.Fatalf("block of type %d", kind)
		}
		file = file[n:]
	}
	return strings.Join(lines, "\n") + "\n"
}

func optionText(b []byte, code uint16) string {
	for len(b) >= 4 {
		n := int(binary.LittleEndian.Uint16(b[2:]))
		if binary.LittleEndian.Uint16(b) == code {
			return string(b[4 : 4+n])
		}
		b = b[4+(n+3)&^3:]
	}
	return ""
}

// describe names the hello in a packet, or its flags and payload.
func describe(b []byte) string {
	h, _ := parse(b)
	if _, ok := helloOf(h.payload, clientHello); ok {
		return "ClientHello"
	}
	if _, ok := helloOf(h.payload, serverHello); ok {
		return "ServerHello"
	}
	var flags []string
	for flag, name := range map[uint8]string{flagFIN: "FIN", flagRST: "RST", 2: "SYN"} {
		if h.flags&flag != 0 {
			flags = append(flags, name)
		}
	}
	return strings.TrimSpace(strings.Join(flags, "+") + " " + string(h.payload))
}

// hello returns a record that begins with a hello (RFC 8446 §5.1, §4.1.2).
func hello(kind byte, r random) string {
	return "\x16\x03\x01\x00\x2a" + string(kind) + "\x00\x00\x26\x03\x03" + string(r[:]) + "\x00"
}

const (
	client = "192.0.2.1:40000"
	server = "192.0.2.2:443"
)

// conversation makes the packets of a connection of a process.
type conversation struct {
	socket uint64
	pid    int
	at     ktime.Time
}

// packet returns a packet that is sent or received, with a flag.
func (c *conversation) packet(t *testing.T, dir int, flag, payload string) *bpf.Captured {
	t.Helper()
	from, to := netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
	if dir == bpf.Recv {
		from, to = to, from
	}
	ip := layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	tcp := layers.TCP{
		SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), ACK: true,
		SYN: flag == "SYN", FIN: flag == "FIN", RST: flag == "RST",
	}
	if err := tcp.SetNetworkLayerForChecksum(&ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, &ip, &tcp, gopacket.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	c.at++
	return &bpf.Captured{Time: c.at, Socket: c.socket, PID: c.pid, Generation: 1, Dir: dir, Comm: "go", Bytes: b.Bytes()}
}

// recorded is a Recorder on its source, with a clock that stands.
type recorded struct {
	*Recorder
	source *source
	files  *files
	said   bytes.Buffer
}

func record(t *testing.T, f *files, secrets bool, packets ...*bpf.Captured) *recorded {
	t.Helper()
	r := &recorded{source: newSource(packets...), files: f}
	r.Recorder = New(Options{
		To: f, Secrets: secrets, Executable: func(int) (string, error) { return "/bin/go", nil },
		Now: func() ktime.Time { return 100 },
	}, r.source, message.New(&r.said, false))
	return r
}

// secrets are those of a session, of TLS 1.3 or before.
func secrets(r random, labels ...string) (list []*bpf.Secret) {
	for _, label := range labels {
		list = append(list, &bpf.Secret{Label: label, ClientRandom: r, Secret: []byte{1}})
	}
	return list
}

var tls13 = []string{bpf.LabelClientHandshake, bpf.LabelServerHandshake, bpf.LabelClientTraffic, bpf.LabelServerTraffic}

// add hands out more packets.
func (s *source) add(packets ...*bpf.Captured) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets = append(s.packets, packets...)
}

// idles returns when all packets are written.
func (r *recorded) idles(t *testing.T) {
	t.Helper()
	r.source.mu.Lock()
	before := r.source.waits
	r.source.mu.Unlock()
	for t.Context().Err() == nil {
		r.source.mu.Lock()
		idle := len(r.source.packets) == 0 && r.source.waits > before+1
		r.source.mu.Unlock()
		if idle {
			return
		}
		runtime.Gosched()
	}
}

// waits returns when a packet waits.
func (r *recorded) waits(t *testing.T) {
	t.Helper()
	for !r.awaited.Load() && t.Context().Err() == nil {
		runtime.Gosched()
	}
}

// finish ends the Recorder, and returns what the files have.
func (r *recorded) finish(t *testing.T, want Totals) (list []string) {
	t.Helper()
	total, err := r.Finish()
	if err != nil || total != want {
		t.Errorf("got %+v, %v, want %+v", total, err, want)
	}
	for _, file := range r.files.list {
		list = append(list, blocks(t, file.Bytes()))
	}
	return list
}

// TestSecretsComeFirst reports the secrets after the packets. They are written before the
// first packet that they open, and none is twice.
func TestSecretsComeFirst(t *testing.T) {
	for _, tt := range []struct {
		name   string
		labels []string
	}{{"TLS 1.3", tls13}, {"TLS 1.2", []string{bpf.LabelMaster}}} {
		t.Run(tt.name, func(t *testing.T) {
			c := conversation{socket: 1, pid: 7}
			r := record(t, newFiles(), true, c.packet(t, bpf.Send, "SYN", ""), c.packet(t, bpf.Recv, "SYN", ""))
			r.Start()
			r.idles(t)
			r.source.add(c.packet(t, bpf.Send, "", hello(clientHello, random{1})))
			r.waits(t) // for its name
			r.Name(1, "c1 of go[7]")
			r.Read(c.at)
			r.idles(t)
			r.source.add(c.packet(t, bpf.Recv, "", hello(serverHello, random{2})), c.packet(t, bpf.Send, "", "request"),
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

// TestNoSecretsWanted reports secrets that no file is to have: nothing waits for them.
func TestNoSecretsWanted(t *testing.T) {
	c := conversation{socket: 1, pid: 7}
	r := record(t, newFiles(), false, c.packet(t, bpf.Send, "", hello(clientHello, random{1})), c.packet(t, bpf.Recv, "", hello(serverHello, random{2})))
	r.Read(c.at)
	r.Start()
	r.Secret(secrets(random{1}, bpf.LabelMaster)[0])
	if got := r.finish(t, Totals{Written: 2})[0]; strings.Contains(got, "secret") {
		t.Error(got)
	}
}

// TestPatience has secrets that do not come. Nothing waits for those of a process again, until
// one comes; nor where the buffer fills up.
func TestPatience(t *testing.T) {
	c := conversation{socket: 1, pid: 7, at: 10}
	r := record(t, newFiles(), true)
	now := ktime.Time(100)
	r.opts.Now = func() ktime.Time { return now }
	r.begin()
	r.Read(1 << 20)
	waits := func(what string, want bool) {
		t.Helper()
		if err := r.record(c.packet(t, bpf.Send, "", hello(clientHello, random{1}))); err != nil {
			t.Fatal(err)
		}
		asked := 0
		r.opts.Now = func() ktime.Time { // it is asked while a packet waits
			asked++
			return now
		}
		err := r.record(c.packet(t, bpf.Recv, "", hello(serverHello, random{2})))
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
	both(bpf.Send, "", hello(clientHello, random{1}))
	r := record(t, newFiles(), true, packets...)
	r.Read(c.at)
	r.Start()
	r.idles(t)
	packets = nil
	both(bpf.Recv, "", hello(serverHello, random{2}))
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
}

// TestRotation begins a file with each packet. Each has what it needs: of the secrets those of
// connections that are open.
func TestRotation(t *testing.T) {
	c, over := conversation{socket: 1, pid: 7}, conversation{socket: 2, pid: 7}
	f := newFiles()
	f.limit = 1
	r := record(t, f, true,
		over.packet(t, bpf.Send, "", hello(clientHello, random{9})), over.packet(t, bpf.Send, "RST", ""),
		c.packet(t, bpf.Send, "", hello(clientHello, random{1})), c.packet(t, bpf.Recv, "", hello(serverHello, random{2})),
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

// TestNoRoom cannot write, or cannot begin a file. It says so once, and counts what comes after.
func TestNoRoom(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		files      func(*files)
	}{
		{"full", "h2trace: the observation goes on without packets: no space left on device\n", func(f *files) { f.room = 200 }},
		{"next", "h2trace: the observation goes on without packets: another file for packets: forbidden\n", func(f *files) {
			f.limit, f.fails = 1, errors.New("forbidden")
		}},
		{"reader", "", func(f *files) { f.limit, f.fails = 1, export.ErrReaderGone }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := conversation{socket: 1, pid: 7}
			f := newFiles()
			tt.files(f)
			r := record(t, f, false, c.packet(t, bpf.Send, "", "first"))
			r.Read(1 << 20)
			r.Start()
			r.idles(t)
			for range 3 {
				r.source.add(c.packet(t, bpf.Send, "", strings.Repeat("x", 100)))
				r.idles(t)
			}
			total, err := r.Finish()
			if err != nil || total.Written+total.Unwritten < 3 || total.Unwritten == 0 || r.said.String() != tt.said {
				t.Errorf("got %+v, %v, said %q", total, err, r.said.String())
			}
		})
	}
}

// TestBounds has more connections, sessions and programs than are kept.
func TestBounds(t *testing.T) {
	r := record(t, newFiles(), true)
	r.begin()
	r.Read(1 << 40)
	for i := range uint64(3 * maxKept) {
		c := conversation{socket: i, pid: int(i)}
		var of random
		binary.LittleEndian.PutUint64(of[:], i)
		r.Name(i, "c")
		r.Secret(secrets(of, bpf.LabelMaster)[0])
		p := c.packet(t, bpf.Send, "", hello(clientHello, of))
		binary.BigEndian.PutUint32(p.Bytes[12:], uint32(i))
		if err := r.record(p); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.flows.bySocket) > maxFlows || len(r.flows.sent) > maxFlows || len(r.sessions) > maxKept || len(r.names) > maxKept ||
		len(r.fresh) > maxKept || len(r.file.ordered) > maxInterfaces+1 || r.total.Written != 3*maxKept {
		t.Errorf("kept %d connections, %d paths, %d sessions, %d names, %d fresh, %d programs",
			len(r.flows.bySocket), len(r.flows.sent), len(r.sessions), len(r.names), len(r.fresh), len(r.file.ordered))
	}
}
