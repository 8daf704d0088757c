package flow_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/capture"
	"h2trace/decoder/exchange"
	"h2trace/decoder/flow"
	"h2trace/decoder/internal/corpora"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// whole is what testdata/requests.pcapng holds.
var whole = []string{
	"open role=client start=true tls=true",
	"GET https://service.example/hello 200 6 ",
	"GET https://service.example/missing 404 19 http_4xx",
	"GET https://service.example/large 200 24000 ",
	"POST https://service.example/upload 204 0 ",
	"end",
}

// proxied is what testdata/proxied.pcapng holds.
var proxied = slices.Concat(
	[]string{"open role=client start=true tls=false", "CONNECT service.example:443 200 0 "},
	[]string{whole[0], "inside of true false"}, whole[1:], []string{"end"},
)

// packets returns the packets of a capture, and its secrets.
func packets(t testing.TB, path string) (list []*capture.Packet, secrets []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list, secrets
		}
		if err != nil {
			t.Fatal(err)
		}
		switch item := item.(type) {
		case *capture.Packet:
			p := *item
			p.Data = bytes.Clone(p.Data)
			list = append(list, &p)
		case *capture.Secrets:
			secrets = append(secrets, item.Data...)
		}
	}
}

// recorder notes what a Table reports.
type recorder struct{ events []string }

func (r *recorder) config() flow.Config { return flow.Config{Open: r.open} }

func (r *recorder) add(format string, args ...any) {
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) open(c *flow.Conn) (h flow.Hooks) {
	r.add("open role=%v start=%v tls=%v", c.Role, c.FromStart, c.Secure)
	if c.Outer != nil {
		r.add("inside of %v %v", c.Outer.Local == c.Local, c.Outer.Secure)
	}
	h.Exchange = func(e *exchange.Exchange) {
		var class exchange.Class
		if e.Error != nil {
			class = e.Error.Class
		}
		if _, ok := e.Duration(); !ok && e.Status != 0 && e.ResponseBytes >= 0 {
			r.add("%s has no duration", e.URL)
		}
		r.add("%s %s %d %d %s", e.Method, e.URL, e.Status, e.ResponseBytes, class)
	}
	h.Frame = func(f *decoder.Frame) {
		if f.Violation != nil {
			r.add("violation %v", f.Violation)
		}
	}
	h.Unopened = func(_ ktime.Time, dir decoder.Direction, why tls.Reason) { r.add("%v: %v", dir, why) }
	h.End = func(ktime.Time, exchange.Ended) { r.add("end") }
	return h
}

// replay gives packets to a Table, with secrets before them.
func replay(t testing.TB, cfg flow.Config, list []*capture.Packet, secrets []byte) flow.Counts {
	t.Helper()
	table := flow.New(cfg)
	if _, err := table.KeyLog(bytes.NewReader(secrets)); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		table.Packet(p)
	}
	table.Close()
	return table.Counts()
}

func TestOrder(t *testing.T) {
	list, secrets := packets(t, "testdata/requests.pcapng")
	shuffled := slices.Clone(list)
	random := rand.New(rand.NewPCG(1, 2))
	for i := 7; i < len(shuffled); i += 4 { // after the hellos
		part := shuffled[i:min(i+4, len(shuffled))]
		random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	late := slices.Clone(list)
	question := late[9] // GET /hello, captured after its answer
	copy(late[9:13], late[10:14])
	late[13] = question
	twice := make([]*capture.Packet, 0, 2*len(list))
	for _, p := range list {
		twice = append(twice, p, p)
	}
	for _, tt := range []struct {
		name string
		list []*capture.Packet
	}{{"as captured", list}, {"each packet twice", twice}, {"out of order", shuffled}, {"a question late", late}} {
		t.Run(tt.name, func(t *testing.T) {
			var r recorder
			counts := replay(t, r.config(), tt.list, secrets)
			if diff := cmp.Diff(whole, r.events); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := (flow.Counts{Packets: uint64(len(tt.list))}); counts != want {
				t.Errorf("got %+v, want %+v", counts, want)
			}
		})
	}
}

func TestSecretsLate(t *testing.T) {
	list, secrets := packets(t, "testdata/requests.pcapng")
	var r recorder
	table := flow.New(r.config())
	for _, p := range list[:20] {
		table.Packet(p)
	}
	if n, err := table.KeyLog(bytes.NewReader(secrets)); n != 4 || err != nil {
		t.Errorf("got %d secrets, %v", n, err)
	}
	for _, p := range list[20:] {
		table.Packet(p)
	}
	table.Close()
	if diff := cmp.Diff(whole, r.events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	r = recorder{}
	replay(t, r.config(), list, nil)
	want := []string{whole[0], "send: no secret", "recv: no secret", "end"}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Errorf("without secrets (-want +got):\n%s", diff)
	}
}

// TestProxied has TLS through an HTTP proxy, which is a connection of its own.
func TestProxied(t *testing.T) {
	list, secrets := packets(t, "testdata/proxied.pcapng")
	var r recorder
	replay(t, r.config(), list, secrets)
	if diff := cmp.Diff(proxied, r.events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLost leaves out one packet after the other. What is reported must be what the whole
// capture has, or be marked as unknown.
func TestLost(t *testing.T) {
	for path, all := range map[string][]string{"testdata/requests.pcapng": whole, "testdata/proxied.pcapng": proxied} {
		list, secrets := packets(t, path)
		for i := range list {
			var r recorder
			replay(t, r.config(), slices.Delete(slices.Clone(list), i, i+1), secrets)
			for _, e := range r.events {
				fields := strings.Split(e, " ")
				switch {
				case slices.Contains(all, e), fields[0] == "open", fields[0] == "send:", fields[0] == "recv:":
				case !slices.ContainsFunc(all, func(w string) bool { return agrees(strings.Split(w, " "), fields) }):
					t.Errorf("%s without packet %d: %q", path, i+1, e)
				}
			}
			if len(r.events) < 3 {
				t.Errorf("%s without packet %d: only %q", path, i+1, r.events)
			}
		}
	}
}

// agrees reports whether an exchange is one of the whole capture, but for what is unknown.
func agrees(want, got []string) bool {
	for i, unknown := range []string{"", "", "0", "-1"} {
		if got[i] != want[i] && got[i] != unknown {
			return false
		}
	}
	return len(want) == len(got)
}

func TestJoined(t *testing.T) {
	list, secrets := packets(t, "testdata/requests.pcapng")
	var r recorder
	replay(t, r.config(), list[12:], secrets)
	want := []string{"open role=unknown start=false tls=true", "send: hello not seen", "recv: hello not seen", "end"}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Without the handshake of TCP nothing is missing. The server has the higher port.
	r = recorder{}
	replay(t, r.config(), list[3:], secrets)
	want = append([]string{"open role=server start=true tls=true"}, whole[1:]...)
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOneSide has the packets of one endpoint alone, with much and with little memory: the
// other direction is missing, and nothing waits for it for long.
func TestOneSide(t *testing.T) {
	list, secrets := packets(t, "testdata/requests.pcapng")
	for _, fromServer := range []bool{false, true} {
		for _, memory := range []int64{0, 16 << 10} {
			var side []*capture.Packet
			for _, p := range list {
				var s capture.Segment
				if s.Dissect(p); (s.Source.Port() == serverPort) == fromServer {
					side = append(side, p)
				}
			}
			var r recorder
			cfg := r.config()
			cfg.Memory = memory
			replay(t, cfg, side, secrets)
			if n := len(r.events); n < 3 || r.events[n-1] != "end" || !slices.Contains(r.events, "send: hello not seen") {
				t.Errorf("from the server %v, memory %d: %q", fromServer, memory, r.events)
			}
		}
	}
}

// serverPort is the port of the server in testdata/requests.pcapng.
const serverPort = 45093

// TestMaxConns has more connections at once than are followed: the same one from many ports.
func TestMaxConns(t *testing.T) {
	list, secrets := packets(t, "testdata/requests.pcapng")
	const conns, most = 300, 100
	var r recorder
	cfg := r.config()
	cfg.MaxConns = most
	table := flow.New(cfg)
	if _, err := table.KeyLog(bytes.NewReader(secrets)); err != nil {
		t.Fatal(err)
	}
	for port := range conns {
		for _, p := range list[:12] {
			table.Packet(fromPort(p, uint16(20_000+port)))
		}
	}
	if got := table.Counts().Dropped; got != conns-most {
		t.Errorf("dropped %d connections, want %d", got, conns-most)
	}
	table.Close()
	if got := len(slices.DeleteFunc(r.events, func(e string) bool { return e != "end" })); got != conns {
		t.Errorf("%d connections ended, want %d", got, conns)
	}
}

// fromPort returns a packet of the capture with another port at the client, which has the
// one that the server has not.
func fromPort(p *capture.Packet, port uint16) *capture.Packet {
	var s capture.Segment
	if s.Dissect(p) != capture.Taken {
		panic("not TCP")
	}
	other := *p
	other.Data = bytes.Clone(p.Data)
	header := 20 // of IPv4
	if p.Link == capture.LinkEthernet {
		header += 14
	}
	if s.Source.Port() == serverPort {
		header += 2
	}
	other.Data[header], other.Data[header+1] = byte(port>>8), byte(port)
	return &other
}

// TestMemory has a peer that leaves a hole and goes on on each of many connections.
func TestMemory(t *testing.T) {
	const memory = 8 << 20
	list, _ := packets(t, "testdata/requests.pcapng")
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	table := flow.New(flow.Config{Memory: memory, MaxConns: 64, Open: func(*flow.Conn) (h flow.Hooks) { return h }})
	for port := range 64 {
		for _, p := range list[:3] {
			table.Packet(fromPort(p, uint16(20_000+port)))
		}
		for range 100 {
			for _, p := range list[20:] { // the bytes before them do not come
				late := fromPort(p, uint16(20_000+port))
				late.Time = list[0].Time.Add(time.Millisecond)
				table.Packet(late)
			}
		}
	}
	if grown := heap() - before; grown > memory {
		t.Errorf("%d bytes are held, want at most %d", grown, memory)
	}
	table.Close()
	if left := heap() - before; left > 1<<20 {
		t.Errorf("%d bytes are held after Close", left)
	}
}

// FuzzRead takes any file. Short seeds, up to the first requests, are more often changed.
func FuzzRead(f *testing.F) {
	const short = 8 << 10
	own := corpora.Files(f, "testdata/*.pcapng")
	others, _ := filepath.Glob(filepath.Join(corpora.Root(f), "pcap", "*.pcap"))
	for _, path := range append(own, others...) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), short)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first []string
		for range 2 { // the same bytes, the same events
			var r recorder
			cfg := r.config()
			cfg.MaxConns, cfg.Memory = 8, 1<<20
			table := flow.New(cfg)
			err := table.Read(bytes.NewReader(b))
			table.Close()
			r.add("%v %+v", err, table.Counts())
			if first != nil && !slices.Equal(first, r.events) {
				t.Fatal(cmp.Diff(first, r.events))
			}
			first = r.events
		}
	})
}
