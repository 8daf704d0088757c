package decoder

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder/ktime"
)

// TestBudget has many connections hold incomplete input. The total stays bounded, and the
// connections decode correctly afterwards.
func TestBudget(t *testing.T) {
	const conns, each, limit = 400, 200_000, 8 << 20
	open := func(c *Conn) {
		c.Data(1, Recv, settingsFrame(Setting{SettingMaxFrameSize, 1 << 20}))
		c.Data(2, Send, settingsAck)
	}
	for _, tt := range []struct {
		name string
		hold []byte // 200 kB that the Conn holds
		end  []byte
		want string // headers_error of a block that ends so
		next string // headers_error of a later block that uses the table
	}{
		{"field blocks", inFrames(make300(t, each), 16384, 1)[:each], nil, "", ""},
		{"field blocks that end", unended(inFrames(make300(t, each), 16384, 1)), wire(TypeContinuation, FlagEndHeaders, 1, nil), noRoom, ""},
		{"a frame", wire(TypeHeaders, FlagEndHeaders, 1, make300(t, each+100))[:each], make300(t, each+100)[each-9:], noRoom, beforeError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			budget := NewBudget(limit)
			before := inUse()
			list := make([]*Conn, conns)
			sinks := make([]*recorder, conns)
			for i := range list {
				sinks[i] = &recorder{quiet: true}
				list[i] = NewConn(Config{Role: Client, FromStart: true, Budget: budget}, sinks[i])
				for _, in := range handshake() {
					list[i].Data(in.at, in.dir, in.data)
				}
				open(list[i])
				for b := tt.hold; len(b) > 0; {
					n := min(len(b), 16384)
					list[i].Data(3, Send, b[:n])
					b = b[n:]
				}
				if budget.used > limit+64<<10 {
					t.Fatalf("%d bytes are held of %d", budget.used, limit)
				}
			}
			if grown := inUse() - before; grown > 2*limit+conns*12<<10 {
				t.Errorf("%d connections hold %d bytes", conns, grown)
			}
			lost := 0
			for i, c := range list {
				if tt.end == nil {
					continue
				}
				r := sinks[i]
				c.Data(4, Send, tt.end)
				c.Data(5, Send, wire(TypeHeaders, FlagEndHeaders, 3, []byte{0xbe}))
				switch {
				case len(r.errors) != 2:
					t.Fatalf("errors %q", r.errors)
				case r.errors[0] == "" && r.errors[1] == "":
					continue
				case r.errors[0] != tt.want || r.errors[1] != tt.next:
					t.Fatalf("errors %q, want %q and %q", r.errors, tt.want, tt.next)
				}
				lost++
			}
			if tt.end != nil && (lost == 0 || lost == conns) {
				t.Errorf("%d of %d blocks are lost", lost, conns)
			}
			for _, c := range list {
				c.Close(6)
			}
			if budget.used != 0 || len(budget.holders) != 0 {
				t.Errorf("%d bytes are held of connections that are closed", budget.used)
			}
			runtime.KeepAlive(list)
		})
	}
}

// make300 returns a block of at least size bytes, with fields of 300 bytes.
func make300(t *testing.T, size int) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	for buf.Len() < size {
		if err := enc.WriteField(hpack.HeaderField{Name: "x-a", Value: strings.Repeat("\x01", 300), Sensitive: buf.Len() > 400}); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// unended clears END_HEADERS in the last frame of a block.
func unended(b []byte) []byte {
	for at := 0; at < len(b); {
		h := parseHeader(b[at:])
		b[at+4] &^= byte(FlagEndHeaders)
		at += frameHeaderLen + int(h.length)
	}
	return b
}

// inUse returns how many bytes are in use.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestBudgetOfStartLines has thousands of connections that begin with a line without end. One
// more connection holds more than each of them and cannot drop it, or there is none.
func TestBudgetOfStartLines(t *testing.T) {
	const conns, limit = 2000, 4 << 20
	line := []byte("GET /" + strings.Repeat("a", maxStartLine-100))
	budget := NewBudget(limit)
	before := inUse()
	list := make([]*Conn, conns)
	for i := range list {
		list[i] = NewConn(Config{Role: Client, FromStart: true, Budget: budget}, &recorder{quiet: true})
		for b := line; len(b) > 0; b = b[min(len(b), 1000):] {
			list[i].Data(ktime.Time(i), Send, b[:min(len(b), 1000)])
		}
		if budget.used > limit {
			t.Fatalf("%d bytes are held of %d", budget.used, limit)
		}
	}
	if grown := inUse() - before; grown > limit+conns*12<<10 {
		t.Errorf("%d connections hold %d bytes", conns, grown)
	}
	undecided := 0
	for i, c := range list {
		if !c.Decided() {
			undecided++
		}
		c.Data(conns, Send, []byte("a HTTP/1.1\r\n"))
		if p := c.Protocol(); !c.Decided() || p != HTTP1 && p != ProtocolUnknown {
			t.Fatalf("connection %d: protocol %v", i, p)
		}
		c.Close(conns)
	}
	if undecided == 0 || undecided == conns {
		t.Errorf("%d of %d were given up", conns-undecided, conns)
	}
	if budget.used != 0 {
		t.Errorf("%d bytes are held of connections that are closed", budget.used)
	}
}

// TestBudgetOfObstinate has a largest holder that cannot drop anything. Others drop instead.
func TestBudgetOfObstinate(t *testing.T) {
	budget := NewBudget(1 << 20)
	stuck := NewConn(Config{Role: Client, FromStart: true, Budget: budget}, &recorder{quiet: true})
	stuck.sides[Send].mode = judging // in this mode it drops nothing
	stuck.sides[Send].held.buf = make([]byte, 800<<10)
	budget.account(stuck, Send)
	for range 10 {
		c := NewConn(Config{Role: Client, FromStart: true, Budget: budget}, &recorder{quiet: true})
		for _, in := range handshake() {
			c.Data(in.at, in.dir, in.data)
		}
		c.Data(2, Send, wire(TypeHeaders, FlagEndHeaders, 1, make([]byte, 200<<10))[:100<<10])
	}
	if budget.used > 1<<20 {
		t.Errorf("%d bytes are held", budget.used)
	}
}

// TestBudgetOfOthers has connections hold streams, and bytes in which frames are searched.
// The frames are found nevertheless, without false violations.
func TestBudgetOfOthers(t *testing.T) {
	var streams, grants, pings []byte
	for i := range uint32(4000) {
		streams = append(streams, wire(TypeHeaders, FlagEndHeaders, 2*i+1, []byte{0x82})...)
		grants = append(grants, wire(TypeWindowUpdate, 0, 2*i+1, []byte{0, 0, 0, 1})...)
	}
	for range 60 {
		pings = append(pings, wire(TypePing, 0, 0, make([]byte, 8))...)
	}
	rng := rand.NewChaCha8([32]byte{3})
	junk := make([]byte, 100_000)
	for _, tt := range []struct {
		name  string
		hold  func(c *Conn)
		after []byte
		want  Type
	}{
		{"streams", func(c *Conn) { c.Data(3, Send, streams); c.Data(3, Recv, grants) }, wire(TypeData, FlagEndStream, 1, []byte("x")), TypeData},
		{"searches", func(c *Conn) {
			c.Gap(3, Send, -1)
			_, _ = rng.Read(junk) // never fails
			c.Data(4, Send, junk)
		}, pings, TypePing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const limit = 1 << 20
			budget := NewBudget(limit)
			most := int64(0)
			var all []*Conn
			for range 50 {
				r := &recorder{quiet: true}
				c := NewConn(Config{Role: Client, FromStart: true, Budget: budget}, r)
				for _, in := range handshake() {
					c.Data(in.at, in.dir, in.data)
				}
				tt.hold(c)
				most = max(most, budget.used)
				if budget.used > limit {
					t.Fatalf("%d bytes are held", budget.used)
				}
				all = append(all, c)
				for _, c := range all {
					if raised := len(c.windows.raised[Send].list); raised > len(c.streams.byID) {
						t.Fatalf("%d streams are held for their credit, %d are followed", raised, len(c.streams.byID))
					}
				}
				c.Data(5, Send, tt.after)
				if r.counts[Send][tt.want] == 0 || len(r.violations) > 0 {
					t.Fatalf("frames %v, violations %v", r.counts[Send], r.violations)
				}
			}
			if most == 0 {
				t.Error("nothing was held")
			}
		})
	}
}
