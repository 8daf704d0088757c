package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
	"h2trace/cmd/h2trace/internal/testkit/oracle"
)

var ok200 = hpack.HeaderField{Name: ":status", Value: "200"}

// oddServers send frames that no Go server sends and RFC 9113 permits.
var oddServers = []struct {
	name     string
	scenario string
	// netOnly is for frames of types 0xa to 0xf, which golang.org/x/net logs
	// without a name.
	netOnly bool
	script  func(*peer)
}{
	{"padding, priority and one byte a CONTINUATION", "once", false, func(p *peer) {
		id := p.accept()
		b := p.block(ok200, hpack.HeaderField{Name: "x-long", Value: strings.Repeat("long", 10)})
		must(p.WriteHeaders(http2.HeadersFrameParam{
			StreamID: id, BlockFragment: b[:2], PadLength: 9,
			Priority: http2.PriorityParam{StreamDep: 0, Weight: 200},
		}))
		for i := 2; i < len(b); i++ {
			must(p.WriteContinuation(id, i == len(b)-1, b[i:i+1]))
		}
		must(p.WriteDataPadded(id, false, []byte("padded"), make([]byte, 100)))
		must(p.WriteDataPadded(id, false, nil, make([]byte, 255)))
		must(p.WriteData(id, false, nil))
		must(p.WriteHeaders(http2.HeadersFrameParam{
			StreamID: id, EndStream: true, EndHeaders: true,
			BlockFragment: p.block(hpack.HeaderField{Name: "x-trailer", Value: "last"}),
		}))
		p.untilClosed()
	}},
	{"extension frames and undefined flags", "once", false, func(p *peer) {
		id := p.accept(http2.Setting{ID: 0x2a2a, Val: 7}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		must(p.WritePriority(id, http2.PriorityParam{StreamDep: 0, Exclusive: true, Weight: 3}))
		must(p.WriteRawFrame(0x2a, 0xff, id, []byte("what is this")))
		must(p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders|0x50, id, p.block(ok200)))
		must(p.WriteRawFrame(http2.FrameData, http2.FlagDataEndStream|0x22, id, []byte("flagged")))
		p.untilClosed()
	}},
	{"alternative services and origins", "once", true, func(p *peer) {
		id := p.accept()
		must(p.WriteRawFrame(0xa, 0, 0, []byte("\x00\x0bexample.orgh2=\":443\"")))
		must(p.WriteRawFrame(0xa, 0, id, []byte("\x00\x00clear")))
		must(p.WriteRawFrame(0xc, 0, 0, []byte("\x00\x13https://example.org\x00\x00")))
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: p.block(ok200)}))
		p.untilClosed()
	}},
	{"windows that shrink below zero", "upload", false, func(p *peer) {
		id := p.accept()
		p.untilSent(65_535) // and no more, as both windows are used up
		must(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100}))
		p.untilPing()
		must(p.WriteWindowUpdate(0, 1<<20))
		must(p.WriteWindowUpdate(id, 65_436)) // one byte of credit
		p.untilSent(1)
		must(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20},
			http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 17}))
		p.untilSent(200_000 - 65_536)
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: p.block(ok200)}))
		p.untilClosed()
	}},
	{"table sizes and never-indexed fields", "once", false, func(p *peer) {
		id := p.accept(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
		field := hpack.HeaderField{Name: "x-entry", Value: "kept in the table"}
		secret := hpack.HeaderField{Name: "x-secret", Value: "s3cret", Sensitive: true}
		early := func(fields ...hpack.HeaderField) {
			fields = append([]hpack.HeaderField{{Name: ":status", Value: "103"}}, fields...)
			must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndHeaders: true, BlockFragment: p.block(fields...)}))
		}
		early(field, secret)
		p.enc.SetMaxDynamicTableSize(0)
		early(field)
		p.enc.SetMaxDynamicTableSize(100)
		early(field, field, secret)
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: p.block(ok200, field)}))
		p.untilClosed()
	}},
	{"data after the client's reset", "cancel,once", false, func(p *peer) {
		id := p.accept()
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndHeaders: true, BlockFragment: p.block(ok200)}))
		must(p.WriteData(id, false, []byte("first bytes")))
		next := uint32(0) // the client's second request can come before its reset
		p.until(func(f http2.Frame) bool {
			if f.Header().Type == http2.FrameHeaders {
				next = f.Header().StreamID
			}
			return f.Header().Type == http2.FrameRSTStream
		})
		must(p.WriteData(id, false, []byte("still under way")))
		must(p.WriteWindowUpdate(id, 100))
		must(p.WriteRSTStream(id, http2.ErrCodeEnhanceYourCalm))
		if next == 0 {
			next = p.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameHeaders }).Header().StreamID
		}
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: next, EndStream: true, EndHeaders: true, BlockFragment: p.block(ok200)}))
		p.untilClosed()
	}},
	{"goaway with binary debug data", "once", false, func(p *peer) {
		id := p.accept()
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: p.block(ok200)}))
		must(p.WriteGoAway(id, 0xbeef, []byte("\xff\x00debug")))
		p.untilClosed()
	}},
	{"header values that are no text", "once", false, func(p *peer) {
		id := p.accept()
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: p.block(ok200,
			hpack.HeaderField{Name: "x-bytes", Value: "\xff\xfe caf\xe9"}, hpack.HeaderField{Name: "x-bidi", Value: "\u202eabc"},
			hpack.HeaderField{Name: "x-empty"}, hpack.HeaderField{Name: "x-json", Value: `"\</`})}))
		p.untilClosed()
	}},
}

// untilSent reads until n bytes of DATA have come.
func (p *peer) untilSent(n int) {
	p.until(func(f http2.Frame) bool {
		if f.Header().Type == http2.FrameData {
			n -= int(f.Header().Length)
		}
		return n <= 0
	})
}

func TestOddServers(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	for _, tt := range oddServers {
		for _, impl := range []string{"net", "x"} {
			if tt.netOnly && impl != "net" {
				continue
			}
			t.Run(impl+"/"+tt.name, func(t *testing.T) {
				addr, played := scriptedServer(t, a, tt.script)
				r := startTracing(t, command{args: clientArgs(t, addr, "-impl", impl, "-scenario", tt.scenario), env: debugEnv(peerEnv(a))}).wait()
				if r.status != 0 {
					t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
				}
				p := <-played
				pairs := verify(t, r, oracle.Options{Tail: true})
				checkReceived(t, pairs[0].Trace, p)
			})
		}
	}
}

// TestViolations has the server break rules. The trace must name each on the very
// frame, and continue.
func TestViolations(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	tests := []struct {
		name   string
		script func(p *peer, id uint32)
		frame  string // type of the faulty frame
		want   string // part of its violation
	}{
		{"increment of zero", func(p *peer, id uint32) { must(p.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4))) }, "WINDOW_UPDATE", "PROTOCOL_ERROR"},
		{"ping of four bytes", func(p *peer, _ uint32) { must(p.WriteRawFrame(http2.FramePing, 0, 0, make([]byte, 4))) }, "PING", "FRAME_SIZE_ERROR"},
		{"data on stream 0", func(p *peer, _ uint32) { must(p.WriteRawFrame(http2.FrameData, 0, 0, []byte("x"))) }, "DATA", "PROTOCOL_ERROR"},
		{"window above 2^31-1", func(p *peer, _ uint32) { must(p.WriteWindowUpdate(0, 1<<31-1)) }, "WINDOW_UPDATE", "FLOW_CONTROL_ERROR"},
		{"settings of five bytes", func(p *peer, _ uint32) { must(p.WriteRawFrame(http2.FrameSettings, 0, 0, make([]byte, 5))) }, "SETTINGS", "FRAME_SIZE_ERROR"},
		{"data after its own reset", func(p *peer, id uint32) {
			must(p.WriteRSTStream(id, http2.ErrCodeNo))
			must(p.WriteData(id, false, []byte("too late")))
		}, "DATA", "STREAM_CLOSED"},
		{"priority update of a server", func(p *peer, _ uint32) {
			must(p.WriteRawFrame(0x10, 0, 0, []byte("\x00\x00\x00\x01u=1")))
		}, "PRIORITY_UPDATE", "PROTOCOL_ERROR"},
		{"broken header block", func(p *peer, id uint32) {
			must(p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, id, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}))
		}, "HEADERS", "COMPRESSION_ERROR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, played := scriptedServer(t, a, func(p *peer) {
				id := p.accept()
				tt.script(p, id)
				must(p.WritePing(false, [8]byte{'a', 'f', 't', 'e', 'r'}))
				must(p.WriteGoAway(0, http2.ErrCodeInternal, nil))
				p.untilClosed()
			})
			r := startTracing(t, command{args: clientArgs(t, addr, "-scenario", "once"), env: debugEnv(peerEnv(a))}).wait()
			p := <-played
			if err := checkSummary(r.stream); err != nil {
				t.Fatal(err)
			}
			var broken []string
			for _, e := range r.stream.Of("frame") {
				if e.Violation != "" {
					broken = append(broken, e.Dir+" "+e.Type)
					if !strings.Contains(e.Violation, tt.want) {
						t.Errorf("violation %q, want %s", e.Violation, tt.want)
					}
				}
			}
			if diff := cmp.Diff([]string{"recv " + tt.frame}, broken); diff != "" {
				t.Errorf("frames with a violation (-want +got):\n%s", diff)
			}
			checkReceived(t, r.stream.Conns()[0], p)
			if tt.want == "COMPRESSION_ERROR" { // there is no response
				wantCause(t, r.stream, "(RFC 9113 §4.3, RFC 7541 §5.1)")
			}
		})
	}
}

// wantCause requires that the exchange failed by a breach of the protocol.
func wantCause(t *testing.T, s *contract.Stream, section string) {
	t.Helper()
	exchanges, err := s.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exchanges {
		if e.Error == nil || e.Error.Class != "protocol" || !strings.Contains(e.Error.Detail, section) {
			t.Errorf("%s: %+v, want class protocol and %s", e.URL, e.Error, section)
		}
	}
}

// checkReceived compares the bytes that the client received with those of the
// scripted server. A client that gives up reads fewer.
func checkReceived(t *testing.T, c *contract.Conn, p *peer) {
	t.Helper()
	want := headersOf(p.sent.Bytes())
	var got [][4]uint32
	for _, e := range c.Frames {
		if e.Dir != "recv" {
			continue
		}
		f, err := e.WireFrame()
		if err != nil && e.Violation == "" {
			t.Fatal(err)
		}
		got = append(got, header(f))
	}
	if len(got) > len(want) || len(got) < len(want)-2 {
		t.Fatalf("%d frames received of %d sent", len(got), len(want))
	}
	if diff := cmp.Diff(want[:len(got)], got); diff != "" {
		t.Errorf("frames received (-sent +traced):\n%s", diff)
	}
}
