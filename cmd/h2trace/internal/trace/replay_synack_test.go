//go:build linux

package trace

import (
	"net/netip"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/wiretap"
	"h2trace/decoder/capture"
)

// TestReplayNoSYNACK has the SYN of a client, and not the answer to it. What is captured of both
// directions may not be the first of them, and breaks no rule.
func TestReplayNoSYNACK(t *testing.T) {
	const (
		settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		asks     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + "\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01a"
		grants   = "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01"
		answers  = "\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x01\x00\x01\x00\x00\x00\x01a"
	)
	client, server := netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:80")
	says := func(from, to netip.AddrPort, seq, ack uint32, payload string) wiretap.Packet {
		return wiretap.Packet{Source: from, Dest: to, Seq: seq, Ack: ack, Flags: capture.ACK, Payload: []byte(payload)}
	}
	syn := wiretap.Packet{Source: client, Dest: server, Seq: 99, Flags: capture.SYN}
	after := uint32(100 + len(asks))
	for name, packets := range map[string][]wiretap.Packet{
		"the first packet of the server": {
			syn, says(client, server, 100, 509, asks), says(server, client, 509, after, answers),
		},
		"the first packet of a server that speaks first": {
			syn, says(server, client, 509, 100, grants), says(client, server, 100, 522, asks), says(server, client, 522, after, answers),
		},
	} {
		for i := range packets {
			packets[i].Time = time.Unix(1, int64(i)*1000)
		}
		got := outcomeOf(t, packetsOf(t, pcapOf(t, packets)), nil)
		if len(got.violations) > 0 || len(got.exchanges) != 1 || got.exchanges[0].status != 200 {
			t.Errorf("without %s: %+v", name, got)
		}
	}
}
