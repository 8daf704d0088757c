//go:build linux

package trace

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"h2trace/decoder/capture"
)

// taken is a capture in parts.
type taken struct {
	name    string
	packets []*capture.Packet
	secrets []byte
}

// takenCaptures returns captures of net/http with and without TLS, and those of the corpora.
func takenCaptures(t *testing.T) (list []taken) {
	t.Helper()
	for _, c := range []recording{{tls: true, http2: true, bodies: 9000}, {http2: true, bodies: 9000}, {tls: true, bodies: 9000}, {bodies: 9000}} {
		packets, secrets := c.record(t)
		list = append(list, taken{fmt.Sprintf("%+v", c), packetsOf(t, pcapOf(t, packets)), secrets})
	}
	files := captures(t)
	if len(files) == 0 {
		t.Attr("reduced", "no captures of others on this machine, set H2TRACE_CORPORA")
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		do(t, err)
		list = append(list, taken{filepath.Base(path), packetsOf(t, b), nil})
	}
	return list
}

// packetsOf returns the packets of a capture.
func packetsOf(t *testing.T, file []byte) (list []*capture.Packet) {
	t.Helper()
	in, err := capture.NewReader(bytes.NewReader(file))
	for err == nil {
		var item capture.Item
		if item, err = in.Next(); err != nil {
			break
		}
		if p, ok := item.(*capture.Packet); ok {
			own := *p
			own.Data = bytes.Clone(p.Data)
			list = append(list, &own)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return list
}

// outcome is what packets that are missing must not change.
type outcome struct {
	violations []string
	exchanges  []exchanged
}

// exchanged is what identifies an exchange, "" and 0 where it is unknown.
type exchanged struct {
	stream      int
	method, url string
	status      int
}

// known counts what is known of exchanges.
func known(list []exchanged) (n int) {
	for _, e := range list {
		n += min(len(e.method), 1) + min(len(e.url), 1) + min(e.status, 1)
	}
	return n
}

// outcomeOf replays packets.
func outcomeOf(t *testing.T, list []*capture.Packet, secrets []byte) (o outcome) {
	t.Helper()
	var out bytes.Buffer
	r := NewReplay(ReplayOptions{ShowSecrets: true}, &out)
	_, err := r.Secrets(bytes.NewReader(secrets))
	do(t, err)
	for _, p := range list {
		do(t, r.Packet(p))
	}
	_, err = r.Finish()
	do(t, err)
	return outcomeIn(t, out.String())
}

func outcomeIn(t *testing.T, events string) (o outcome) {
	t.Helper()
	for line := range strings.Lines(events) {
		var e struct {
			Event, Conn, Type, Violation, Method, URL string
			Stream, Status                            int
		}
		do(t, json.Unmarshal([]byte(line), &e))
		if e.Violation != "" {
			o.violations = append(o.violations, fmt.Sprintf("%s %d: %s %s", e.Conn, e.Stream, e.Type, e.Violation))
		}
		if e.Event == "exchange" {
			o.exchanges = append(o.exchanges, exchanged{e.Stream, e.Method, e.URL, e.Status})
		}
	}
	slices.Sort(o.violations)
	slices.SortFunc(o.exchanges, func(a, b exchanged) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.url, b.url), cmp.Compare(a.status, b.status))
	})
	return o
}

// without returns the packets but for those that are missing, and the same with the headers of
// these, so that it shows at once which bytes are not there. whole says that nothing else is
// missing: no packet that begins or ends a connection.
func without(list []*capture.Packet, missing []int) (kept, headers []*capture.Packet, whole bool) {
	whole = true
	for i, p := range list {
		if !slices.Contains(missing, i) {
			kept, headers = append(kept, p), append(headers, p)
			continue
		}
		var s capture.Segment
		whole = whole && s.Dissect(p) == capture.Taken && s.Flags&(capture.SYN|capture.FIN|capture.RST) == 0
		cut := *p
		cut.Data = p.Data[:cap(p.Data)-cap(s.Payload)]
		headers = append(headers, &cut)
	}
	return kept, headers, whole
}

// missingSets returns each packet, and up to three by chance.
func missingSets(n int) (sets [][]int) {
	const most = 100
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range min(n, most) {
		sets = append(sets, []int{i}, []int{rng.IntN(n), rng.IntN(n)}, []int{i, rng.IntN(n), min(i+1, n-1)})
	}
	return sets
}

// TestReplayMissing leaves out packets. No rule is broken that was not, and the exchanges are those
// of a capture that has the headers of these packets: a hole that shows late changes nothing but
// when its loss is announced.
func TestReplayMissing(t *testing.T) {
	for _, c := range takenCaptures(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := outcomeOf(t, c.packets, c.secrets)
			if len(all.exchanges) == 0 {
				t.Fatal("no exchanges")
			}
			for _, missing := range missingSets(len(c.packets)) {
				kept, headers, whole := without(c.packets, missing)
				got := outcomeOf(t, kept, c.secrets)
				for _, v := range got.violations {
					if !slices.Contains(all.violations, v) {
						t.Errorf("without packets %v: %s", missing, v)
					}
				}
				if !whole {
					continue
				}
				want := outcomeOf(t, headers, c.secrets).exchanges
				if len(missing) > 1 && known(got.exchanges) >= known(want) {
					continue // headers alone do not begin a connection
				}
				if diff := gocmp.Diff(want, got.exchanges, gocmp.AllowUnexported(exchanged{})); diff != "" {
					t.Errorf("without packets %v: -want +got:\n%s", missing, diff)
				}
			}
		})
	}
}

// TestReplayReversed has two hosts capture one direction each. The clock of the one is ahead, so
// answers come before their questions. That changes nothing.
func TestReplayReversed(t *testing.T) {
	for _, c := range takenCaptures(t) {
		want := outcomeOf(t, c.packets, c.secrets)
		for _, ahead := range []time.Duration{100 * time.Microsecond, 3 * time.Millisecond, 30 * time.Millisecond} {
			for _, fromLow := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %v, %v", c.name, ahead, fromLow), func(t *testing.T) {
					got := outcomeOf(t, reversed(c.packets, ahead, fromLow), c.secrets)
					if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(outcome{}, exchanged{})); diff != "" {
						t.Errorf("-want +got:\n%s", diff)
					}
				})
			}
		}
	}
}

// reversed returns packets as they are merged with the clock of one host ahead, the one with the
// lower or the higher port.
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

// TestReplayFirstCut has the headers alone of the packet that begins a connection. The loss is
// reported, and the rest is decoded.
func TestReplayFirstCut(t *testing.T) {
	packets, _ := recording{http2: true, bodies: 100}.record(t)
	list := packetsOf(t, pcapOf(t, packets))
	const first = 3 // after the handshake
	_, headers, _ := without(list, []int{first})
	var out bytes.Buffer
	r := NewReplay(ReplayOptions{}, &out)
	for _, p := range headers {
		do(t, r.Packet(p))
	}
	_, err := r.Finish()
	do(t, err)
	checkLosses(t, strings.Split(strings.TrimSpace(out.String()), "\n"), true)
	want := fmt.Sprintf(`"reason":"truncated","records":1,"bytes":%d`, len(packets[first].Payload))
	if !strings.Contains(out.String(), want) || len(outcomeIn(t, out.String()).exchanges) != 5 {
		t.Errorf("no %s, or not 5 exchanges, in\n%s", want, out.String())
	}
}

// TestReplaySilent has a connection without more packets after an answer whose question is
// missing. It is printed while others go on, and so is the loss.
func TestReplaySilent(t *testing.T) {
	packets, _ := recording{http2: true, bodies: 100}.record(t)
	list := packetsOf(t, pcapOf(t, packets))
	var last capture.Segment
	answered := slices.IndexFunc(list, func(p *capture.Packet) bool { // the first response
		return last.Dissect(p) == capture.Taken && bytes.Contains(last.Payload, []byte("0123456789"))
	})
	var kept []*capture.Packet
	for _, p := range list[:answered+1] {
		var s capture.Segment
		s.Dissect(p)
		if s.Source != last.Dest || s.Length == 0 || s.Seq != last.Ack-uint32(s.Length) { // the question's last packet
			kept = append(kept, p)
		}
	}
	if len(kept) != answered {
		t.Fatalf("%d packets are left out, want 1", answered+1-len(kept))
	}
	others, _ := recording{v6: true, bodies: 100}.record(t) // from another address
	var out bytes.Buffer
	r := NewReplay(ReplayOptions{}, &out)
	for _, p := range kept {
		do(t, r.Packet(p))
	}
	for _, p := range packetsOf(t, pcapOf(t, others)) {
		own := *p
		own.Time = own.Time.Add(time.Second)
		do(t, r.Packet(&own))
	}
	do(t, r.events.Flush())
	for _, want := range []string{`"event":"loss"`, `"type":"HEADERS"`} {
		if line := lineOf(out.String(), want, `"dir":"recv"`, `"reason":"gap"`); line == "" {
			t.Errorf("no %s before the end in\n%s", want, out.String())
		}
	}
	_, err := r.Finish()
	do(t, err)
}

// lineOf returns the first line of the first connection that has a text, and one of others.
func lineOf(events, text string, others ...string) string {
	for line := range strings.Lines(events) {
		if strings.Contains(line, `"conn":"c1"`) && strings.Contains(line, text) &&
			slices.ContainsFunc(others, func(o string) bool { return strings.Contains(line, o) }) {
			return line
		}
	}
	return ""
}
