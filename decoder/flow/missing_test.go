package flow_test

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"h2trace/decoder/capture"
	"h2trace/decoder/flow"
	"h2trace/decoder/internal/corpora"
	"h2trace/decoder/ktime"
)

// captured is a capture in parts, and what it has.
type captured struct {
	path    string
	list    []*capture.Packet
	secrets []byte
	all     []string
}

// captures returns those of testdata and of the corpora.
func captures(t *testing.T) (list []captured) {
	t.Helper()
	for _, path := range append(corpora.Files(t, "testdata/*.pcapng"), corpora.Some(t, "pcap/*.pcap")...) {
		c := captured{path: path}
		c.list, c.secrets = packets(t, path)
		c.all = c.events(t, c.list)
		list = append(list, c)
	}
	return list
}

// events returns the violations and exchanges of packets, sorted.
func (c *captured) events(t *testing.T, list []*capture.Packet) []string {
	t.Helper()
	var r recorder
	replay(t, r.config(), list, c.secrets)
	events := slices.DeleteFunc(r.events, func(e string) bool {
		kind, _, _ := strings.Cut(e, " ")
		return slices.Contains([]string{"open", "end", "inside", "send:", "recv:"}, kind)
	})
	slices.Sort(events)
	return events
}

// answered counts the exchanges with a request and a status.
func answered(events []string) (n int) {
	for _, e := range events {
		fields := strings.Split(e, " ")
		if fields[0] != "violation" && fields[0] != "" && len(fields) > 3 && fields[2] != "0" {
			n++
		}
	}
	return n
}

// TestMissing leaves out packets, each alone and some by chance. No rule is broken that was not.
// At least as many exchanges have a status as where the capture has the headers of these packets,
// so that it shows at once which bytes are not there.
func TestMissing(t *testing.T) {
	const most = 80
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range captures(t) {
		n := len(c.list)
		for i := range min(n, most) {
			for _, missing := range [][]int{{i}, {random.IntN(n), random.IntN(n)}, {i, min(i+1, n-1), random.IntN(n)}} {
				kept, headers := without(c.list, missing)
				got := c.events(t, kept)
				for _, e := range got {
					if strings.HasPrefix(e, "violation") && !slices.Contains(c.all, e) {
						t.Errorf("%s without packets %v: %s", c.path, missing, e)
					}
				}
				if want := c.events(t, headers); answered(got) < answered(want) {
					t.Errorf("%s without packets %v: got %q, want %q", c.path, missing, got, want)
				}
			}
		}
	}
}

// without returns the packets but for those that are missing, and the same with the headers of
// these.
func without(list []*capture.Packet, missing []int) (kept, headers []*capture.Packet) {
	for i, p := range list {
		if !slices.Contains(missing, i) {
			kept, headers = append(kept, p), append(headers, p)
			continue
		}
		var s capture.Segment
		if s.Dissect(p) == capture.Taken && s.Flags&(capture.SYN|capture.FIN|capture.RST) == 0 {
			cut := *p
			cut.Data = p.Data[:cap(p.Data)-cap(s.Payload)]
			headers = append(headers, &cut)
		}
	}
	return kept, headers
}

// TestReversed has one host's clock ahead, so that answers come before their questions. That
// changes nothing.
func TestReversed(t *testing.T) {
	for _, c := range captures(t) {
		for _, ahead := range []time.Duration{100 * time.Microsecond, 3 * time.Millisecond, 30 * time.Millisecond} {
			for _, low := range []bool{false, true} {
				got := c.events(t, reversed(c.list, ahead, low))
				if !slices.Equal(got, c.all) {
					t.Errorf("%s, %v, %v: got %q, want %q", c.path, ahead, low, got, c.all)
				}
			}
		}
	}
}

// reversed returns packets in the order of their times, where the clock of one host is ahead: the
// one with the lower or the higher port.
func reversed(list []*capture.Packet, ahead time.Duration, low bool) (merged []*capture.Packet) {
	for _, p := range list {
		own := *p
		var s capture.Segment
		s.Dissect(p)
		if (s.Source.Port() < s.Dest.Port()) == low {
			own.Time = own.Time.Add(ahead)
		}
		merged = append(merged, &own)
	}
	slices.SortStableFunc(merged, func(a, b *capture.Packet) int { return cmp.Compare(a.Time, b.Time) })
	return merged
}

// segment returns a packet of TCP over IPv4 between a client and a server.
func segment(at int, fromClient bool, port uint16, seq, ack uint32, flags uint8, payload string) *capture.Packet {
	b := make([]byte, 40, 40+len(payload))
	b[0], b[8], b[9] = 0x45, 64, 6 // RFC 791 §3.1
	binary.BigEndian.PutUint16(b[2:], uint16(40+len(payload)))
	client, server, from, to := []byte{192, 0, 2, 1}, []byte{192, 0, 2, 2}, 20, 22
	if fromClient {
		copy(b[12:], client)
		copy(b[16:], server)
	} else {
		copy(b[12:], server)
		copy(b[16:], client)
		from, to = to, from
	}
	binary.BigEndian.PutUint16(b[from:], port)
	binary.BigEndian.PutUint16(b[to:], 80)
	binary.BigEndian.PutUint32(b[24:], seq)
	binary.BigEndian.PutUint32(b[28:], ack)
	b[32], b[33] = 5<<4, flags
	b = append(b, payload...)
	return &capture.Packet{Time: ktime.Time(at + 1), Link: capture.LinkRaw, Data: b, Length: len(b)}
}

// TestSilent has a connection without more packets after an answer whose question is missing in
// part. The answer is decoded while others go on.
func TestSilent(t *testing.T) {
	var r recorder
	table := flow.New(r.config())
	const asked, answer = "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	ms := int(time.Millisecond)
	table.Packet(segment(0, true, 1000, 99, 0, capture.SYN, ""))
	table.Packet(segment(ms, false, 1000, 499, 100, capture.SYN|capture.ACK, ""))
	table.Packet(segment(2*ms, true, 1000, 100, 500, capture.ACK, asked))
	table.Packet(segment(3*ms, false, 1000, 500, 100+uint32(len(asked)), capture.ACK, answer))
	table.Packet(segment(4*ms, false, 1000, 500+uint32(len(answer)), 150, capture.ACK, answer))
	before := len(r.events)
	for at := 5; at < 150; at += 5 {
		table.Packet(segment(at*ms, true, 2000, 99, 0, capture.SYN, ""))
	}
	if len(r.events) != before+1 {
		t.Errorf("got %q, want one more than %q", r.events[before:], r.events[:before])
	}
	table.Close()
}

// TestAnswersMissing has the SYN of a client, and not the answer to it. What is captured of both
// directions may not be the first of them, and breaks no rule.
func TestAnswersMissing(t *testing.T) {
	const (
		settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		asks     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + "\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01a"
		grants   = "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01"
		answers  = "\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x01\x00\x01\x00\x00\x00\x01a"
	)
	syn := segment(0, true, 1000, 99, 0, capture.SYN, "")
	after := uint32(100 + len(asks))
	for name, list := range map[string][]*capture.Packet{
		"the first packet of the server": {
			syn, segment(1, true, 1000, 100, 509, capture.ACK, asks), segment(2, false, 1000, 509, after, capture.ACK, answers),
		},
		"those of both sides": {
			syn, segment(1, false, 1000, 509, after, capture.ACK, answers),
		},
		"the first packet of a server that speaks first": {
			syn, segment(1, false, 1000, 509, 100, capture.ACK, grants), segment(2, true, 1000, 100, 522, capture.ACK, asks),
			segment(3, false, 1000, 522, after, capture.ACK, answers),
		},
	} {
		var r recorder
		replay(t, r.config(), list, nil)
		for _, e := range r.events {
			if strings.HasPrefix(e, "violation") {
				t.Errorf("without %s: %s", name, e)
			}
		}
		if !slices.ContainsFunc(r.events, func(e string) bool { return strings.Contains(e, " 200 ") }) {
			t.Errorf("without %s: no answer in %q", name, r.events)
		}
	}
}

// TestAcknowledgedTooMuch has a server acknowledge more than the client ever sends. Its answer waits
// for that, and not for long.
func TestAcknowledgedTooMuch(t *testing.T) {
	const asked = "GET / HTTP/1.1\r\n\r\n"
	var r recorder
	table := flow.New(r.config())
	ms := int(time.Millisecond)
	table.Packet(segment(0, true, 1000, 99, 0, capture.SYN, ""))
	table.Packet(segment(ms, false, 1000, 499, 100, capture.SYN|capture.ACK, ""))
	table.Packet(segment(2*ms, false, 1000, 500, 200, capture.ACK, "HTTP/1.1 204 No Content\r\n\r\n"))
	table.Packet(segment(3*ms, true, 1000, 100, 500, capture.ACK, asked))
	for at := 5; at < 300; at += 5 {
		table.Packet(segment(at*ms, true, 2000, 99, 0, capture.SYN, ""))
	}
	if !slices.ContainsFunc(r.events, func(e string) bool { return strings.Contains(e, " 204 ") }) {
		t.Errorf("no answer in %q", r.events)
	}
	table.Close()
}
