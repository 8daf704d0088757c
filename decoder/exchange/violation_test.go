package exchange

import (
	"testing"

	"golang.org/x/net/http2"

	"h2trace/decoder"
)

// TestViolated has frames that break rules of the connection, and the objection of the other side. The
// exchanges that fail by it name the rule.
func TestViolated(t *testing.T) {
	raw := func(p *peers, d decoder.Direction, typ http2.FrameType, flags http2.Flags, id uint32, payload string) {
		p.say(20, d, func(f *http2.Framer) error { return f.WriteRawFrame(typ, flags, id, []byte(payload)) })
	}
	goAway := func(p *peers, d decoder.Direction, code http2.ErrCode) {
		p.say(30, d, func(f *http2.Framer) error { return f.WriteGoAway(0, code, nil) })
	}
	for name, tt := range map[string]struct {
		do   func(*peers)
		by   Ended
		want string
	}{
		"a block that cannot be decoded": {func(p *peers) {
			raw(p, recv, http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream, 1, "\xc8")
		}, EndedByProcess, "protocol: field block cannot be decoded: index is beyond the header table (RFC 9113 §4.3, RFC 7541 §2.3.3)"},
		"a frame that is too short": {func(p *peers) {
			raw(p, recv, http2.FrameHeaders, http2.FlagHeadersPadded|http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream, 1, "")
		}, EndedByProcess, "protocol: payload is too short for its mandatory fields (RFC 9113 §4.2)"},
		"the client leaves": {func(p *peers) {
			raw(p, recv, http2.FramePing, 0, 3, "12345678")
		}, EndedByProcess, "protocol: frame concerns the connection but names a stream (RFC 9113 §6.7)"},
		"the client did not mind": {func(p *peers) {
			raw(p, recv, http2.FramePing, 0, 3, "12345678")
			raw(p, send, http2.FramePing, http2.FlagPingAck, 0, "12345678")
		}, EndedByProcess, "aborted: connection ended before the response was complete"},
		"the client resets": {func(p *peers) {
			p.say(20, recv, func(f *http2.Framer) error { return f.WriteWindowUpdate(1, 1<<31-1) })
			p.reset(21, send, 1, http2.ErrCodeFlowControl)
		}, EndedByProcess, "protocol: RST_STREAM FLOW_CONTROL_ERROR: flow-control window exceeds 2^31-1 (RFC 9113 §6.9.1)"},
		"the server objects": {func(p *peers) {
			raw(p, send, http2.FramePriority, 0, 0, "\x00\x00\x00\x03a")
			goAway(p, recv, http2.ErrCodeProtocol)
		}, EndedByPeer, "goaway: GOAWAY PROTOCOL_ERROR, last stream 0: frame needs a stream but names stream 0 (RFC 9113 §6.3)"},
		"the server leaves for another reason": {func(p *peers) {
			raw(p, send, http2.FramePriority, 0, 0, "\x00\x00\x00\x03a")
			goAway(p, recv, http2.ErrCodeNo)
		}, EndedByPeer, "goaway: GOAWAY NO_ERROR, last stream 0"},
		"the server resets": {func(p *peers) {
			raw(p, send, http2.FramePriority, 0, 1, "\x00\x00\x00\x03")
			p.reset(21, recv, 1, http2.ErrCodeFrameSize)
		}, EndedByPeer, "reset: RST_STREAM FRAME_SIZE_ERROR: PRIORITY payload is not 5 bytes (RFC 9113 §6.3)"},
	} {
		j := &judge{}
		j.tracker = New(Config{Scheme: "https", FromStart: true}, j)
		j.tracker.SetClient(send)
		p := newPeers(t, decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, j))
		p.start(1 << 20)
		asks(p, "GET")
		tt.do(p)
		p.conn.Close(99)
		j.tracker.Close(99, tt.by)
		got := "none"
		if e := j.exchanges[0].Error; e != nil {
			got = string(e.Class) + ": " + e.Detail
		}
		if len(j.exchanges) != 1 || got != tt.want {
			t.Errorf("%s: got %q, want %q (broken %q)", name, got, tt.want, j.broken)
		}
	}
}
