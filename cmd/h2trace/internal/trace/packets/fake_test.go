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

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/decoder/capture"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/handshake"
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
	// lacking is what Lacks was called with.
	lacking uint64
}

func newFiles() *files { return &files{list: []*bytes.Buffer{new(bytes.Buffer)}} }

func (f *files) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.list[len(f.list)-1]
	if f.room > 0 && f.list[0].Len()+len(b) > f.room {
		n, _ := last.Write(b[:max(0, f.room-f.list[0].Len())]) // as a full disk does
		return n, errors.New("no space left on device")
	}
	return last.Write(b)
}

func (f *files) TakeBack(n int64) error {
	last := f.list[len(f.list)-1]
	last.Truncate(last.Len() - int(n))
	return nil
}

func (f *files) Lacks(packets uint64) { f.lacking = packets }

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
	var s capture.Segment
	if outcome := s.Dissect(&capture.Packet{Link: capture.LinkRaw, Data: b, Length: len(b)}); outcome != capture.Taken {
		return "no segment"
	}
	if _, ok := helloOf(s.Payload, handshake.TypeClientHello); ok {
		return "ClientHello"
	}
	if _, ok := helloOf(s.Payload, handshake.TypeServerHello); ok {
		return "ServerHello"
	}
	var flags []string
	for flag, name := range map[uint8]string{capture.FIN: "FIN", capture.RST: "RST", capture.SYN: "SYN"} {
		if s.Flags&flag != 0 {
			flags = append(flags, name)
		}
	}
	return strings.TrimSpace(strings.Join(flags, "+") + " " + string(s.Payload))
}

// hello returns a record that begins with a hello (RFC 8446 §5.1, §4.1.2).
func hello(kind handshake.MessageType, r random) string {
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
	// confined says that the thread that parses has given up its rights.
	confined bool
}

func recording(t *testing.T, f *files, secrets bool, packets ...*bpf.Captured) *recorded {
	t.Helper()
	r := &recorded{source: newSource(packets...), files: f}
	r.Recorder = New(Options{
		To: f, Secrets: secrets, Executable: func(int) (string, error) { return "/bin/go", nil },
		Now: func() ktime.Time { return 100 }, Confine: func() { r.confined = true },
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
	if err != nil || total != want || !r.confined {
		t.Errorf("got %+v, %v, want %+v; confined: %t", total, err, want, r.confined)
	}
	for _, file := range r.files.list {
		list = append(list, blocks(t, file.Bytes()))
	}
	return list
}
