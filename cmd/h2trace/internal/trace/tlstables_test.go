//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	tlsdecoder "h2trace/decoder/tls"
)

// receivedBlock is a block of a response, with what the process holds when it decodes it.
type receivedBlock struct {
	record   uint64 // offset of the ciphertext where the record ends in which its frame begins
	unread   uint32 // bytes from the beginning of the frame to the end of the record
	fragment []byte
	entries  []bpf.TableEntry
}

// blocks returns the blocks that a client received.
func (f *fetched) blocks(t *testing.T) (list []receivedBlock) {
	t.Helper()
	plaintext, ends := f.plaintext(t)
	dec := hpack.NewDecoder(4096, func(hpack.HeaderField) {})
	reader := bytes.NewReader(plaintext)
	framer := http2.NewFramer(nil, reader)
	for {
		start := len(plaintext) - reader.Len()
		frame, err := framer.ReadFrame()
		if err != nil {
			return list
		}
		h, ok := frame.(*http2.HeadersFrame)
		if !ok {
			continue
		}
		block := receivedBlock{fragment: bytes.Clone(h.HeaderBlockFragment()), entries: entriesOf(dec)}
		if _, err := dec.Write(block.fragment); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(ends, func(e recordEnd) bool { return e.plaintext > start })
		block.record, block.unread = ends[i].ciphertext, uint32(ends[i].plaintext-start)
		list = append(list, block)
	}
}

// recordEnd is how much plaintext precedes the end of a record.
type recordEnd struct {
	ciphertext uint64
	plaintext  int
}

// plaintext opens what was received, record by record.
func (f *fetched) plaintext(t *testing.T) (b []byte, ends []recordEnd) {
	t.Helper()
	c := tlsdecoder.New(tlsdecoder.NewBudget(1<<20), tlsdecoder.NewSessions())
	for _, s := range f.secrets {
		c.Secret(s.Label, s.ClientRandom, s.Secret)
	}
	var stream []byte
	give := func(dir int, part []byte) {
		c.Data(1, decoder.Direction(dir), part)
		for e := c.Next(); e != nil; e = c.Next() {
			if e, ok := e.(*tlsdecoder.Plaintext); ok && e.Dir == decoder.Recv {
				b = append(b, e.Data...)
			}
		}
	}
	next := 0 // the end of the last record
	for _, s := range f.segments {
		if s.Dir == bpf.Send {
			give(bpf.Send, s.Payload)
			continue
		}
		from := len(stream)
		stream = append(stream, s.Payload...)
		for len(stream)-next >= 5 {
			end := next + 5 + int(binary.BigEndian.Uint16(stream[next+3:]))
			if end > len(stream) {
				break
			}
			give(bpf.Recv, stream[from:end])
			ends = append(ends, recordEnd{uint64(end), len(b)})
			from, next = end, end
		}
		give(bpf.Recv, stream[from:])
	}
	return b, ends
}

// entriesOf reads the table of a decoder, oldest first.
func entriesOf(dec *hpack.Decoder) (list []bpf.TableEntry) {
	dec.SetEmitFunc(func(f hpack.HeaderField) { list = append(list, bpf.TableEntry{Name: f.Name, Value: f.Value}) })
	for index := byte(62); ; index++ { // RFC 7541 §6.1
		if _, err := dec.Write([]byte{0x80 | index}); err != nil {
			break
		}
	}
	_ = dec.Close()
	dec.SetEmitFunc(func(hpack.HeaderField) {})
	slices.Reverse(list)
	return list
}

// received lists the known header lists of responses in events, by stream.
func received(t *testing.T, events string) map[uint32]string {
	t.Helper()
	lists := make(map[uint32]string)
	for line := range strings.Lines(events) {
		var e struct {
			Dir     string
			Stream  uint32
			Headers json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Dir == "recv" && len(e.Headers) > 0 && string(e.Headers) != "null" {
			lists[e.Stream] = string(e.Headers)
		}
	}
	return lists
}

// TestLostTables loses records of TLS connections, and has tables copied: at their places,
// which may be opened already or not, and at wrong ones. More header lists are known than
// without, and all are right.
func TestLostTables(t *testing.T) {
	t.Run("direct", func(t *testing.T) { loseTables(t, nil) })
	t.Run("HTTP proxy", func(t *testing.T) { loseTables(t, (*fetched).tunnelled) })
}

const (
	connect   = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"
	connected = "HTTP/1.1 200 OK\r\n\r\n"
)

// tunnelled returns the same connection through an HTTP proxy.
func (f *fetched) tunnelled() *fetched {
	of := &fetched{secrets: f.secrets, plain: true}
	of.segments = append(of.segments, bpf.Segment{Dir: bpf.Send, Payload: []byte(connect)}, bpf.Segment{Dir: bpf.Recv, Payload: []byte(connected)})
	for _, s := range f.segments {
		s.Offset += uint64(len([2]string{bpf.Send: connect, bpf.Recv: connected}[s.Dir]))
		of.segments = append(of.segments, s)
	}
	for i := range of.segments {
		of.segments[i].Wire = bpf.WireHTTP
	}
	return of
}

func loseTables(t *testing.T, through func(*fetched) *fetched) {
	t.Helper()
	paths := make([]string, 12)
	for i := range paths {
		paths[i] = "/p" + strings.Repeat("x", i)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f := fetch(t, paths, func(c *tls.Config) { c.MaxVersion = version })
		blocks := f.blocks(t)
		if through != nil {
			f = through(f)
			for i := range blocks {
				blocks[i].record += uint64(len(connected))
			}
		}
		want := received(t, f.lossy(t, rand.New(rand.NewSource(0)), 0, nil))
		var without, with int
		for seed := range int64(150) {
			rate := []float64{0.02, 0.05, 0.2}[seed%3]
			without += len(received(t, f.lossy(t, rand.New(rand.NewSource(seed)), rate, nil)))
			copies := rand.New(rand.NewSource(-seed))
			events := f.lossy(t, rand.New(rand.NewSource(seed)), rate, func(table *connTable, s *bpf.Segment) {
				if s.Dir == bpf.Recv {
					copyTables(table, copies, blocks, s)
				}
			})
			got := received(t, events)
			with += len(got)
			for stream, list := range got {
				if diff := cmp.Diff(want[stream], list); diff != "" {
					t.Errorf("%s, seed %d, stream %d: %s", tls.VersionName(version), seed, stream, diff)
				}
			}
			for line := range strings.Lines(events) {
				if fault := faultOf(t, line, paths); fault != "" {
					t.Errorf("%s, seed %d: %s in %s", tls.VersionName(version), seed, fault, line)
				}
			}
		}
		t.Logf("%s: %d header lists are known, %d without tables", tls.VersionName(version), with, without)
		if with <= without+150 {
			t.Errorf("%s: %d header lists are known, %d without tables", tls.VersionName(version), with, without)
		}
	}
}

// copyTables has the kernel copy tables near a segment.
func copyTables(table *connTable, random *rand.Rand, blocks []receivedBlock, s *bpf.Segment) {
	end := s.Offset + uint64(len(s.Payload))
	for i := range blocks {
		b := &blocks[i]
		if b.record+4000 < end || b.record > end+4000 || random.Intn(3) == 0 {
			continue
		}
		place, unread := b.record, b.unread
		switch random.Intn(8) {
		case 0:
			place += uint64(1 + random.Intn(30))
		case 1:
			unread += uint32(1 + random.Intn(30))
		}
		table.recovery.table(&bpf.Table{
			Head: bpf.Head{Time: ktime.Time(5000), PID: 7, Conn: bpf.TLSIn(s.Conn)},
			Dir:  bpf.Recv, End: uint64(s.First + uint32(place)), Read: unread,
			Entries: b.entries, MaxSize: 4096, Consistent: true,
			Fragment: b.fragment, FragmentLength: uint32(len(b.fragment)),
		})
	}
}

// TestTablesBeforeKeys joins a TLS connection whose keys are not found yet. Its first tables
// and windows are copied, and nothing more is asked for.
func TestTablesBeforeKeys(t *testing.T) {
	table := newTestTable(t, io.Discard)
	k := table.kernel.(*fakeKernel)
	table.open(&bpf.Open{Head: fetchedHead, Wire: bpf.WireTLS, Role: bpf.RoleClient})
	do(t, table.send())
	wish := k.wishes[fetchedHead.Conn]
	if wish.Tables == nil || wish.Windows == nil {
		t.Fatalf("asked for %+v, want tables and windows", wish)
	}
	delete(k.wishes, fetchedHead.Conn)
	for range 2 * wish.Tables[bpf.Recv] {
		table.recovery.table(&bpf.Table{Head: fetchedHead, Dir: bpf.Recv, Consistent: true})
	}
	c := table.byID[fetchedHead.Conn]
	c.wire.known = [2]bool{true, true}
	for range 2 * wish.Windows.Samples {
		do(t, table.recovery.windows(&bpf.Windows{Head: fetchedHead, Trusted: true}))
	}
	do(t, table.send())
	if wish, ok := k.wishes[fetchedHead.Conn]; ok {
		t.Errorf("asked for %+v once these came", wish)
	}
	c.wire.tls.giveUp(2000, "no keys")
	do(t, table.send())
	if wish := k.wishes[fetchedHead.Conn]; wish.Tables == nil || *wish.Tables != [2]uint32{} || len(table.recovery.conns) > 0 {
		t.Errorf("given up, and asked for %+v", wish)
	}
}
