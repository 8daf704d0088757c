//go:build linux

package trace

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/wiretap"
)

// TestReplayGaps has packets missing in a capture, and packets cut. Each loss is announced, the
// account balances, and what is printed of headers is right.
func TestReplayGaps(t *testing.T) {
	for _, c := range []recording{{tls: true, http2: true, bodies: 40000}, {http2: true, bodies: 40000}, {tls: true, bodies: 40000}, {bodies: 40000}} {
		packets, secrets := c.record(t)
		whole, _ := replayed(t, pcapOf(t, packets), secrets)
		known := make(map[string]bool)
		for _, h := range headersOf(whole) {
			known[h] = true
		}
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			for seed := range uint64(20) {
				rng := rand.New(rand.NewPCG(seed, 1))
				var kept []wiretap.Packet
				dropped := 0
				for i, p := range packets {
					if i > 2 && len(p.Payload) > 0 && rng.IntN(20) == 0 {
						dropped++
						continue
					}
					kept = append(kept, p)
				}
				lines, _ := replayed(t, pcapOf(t, kept), secrets)
				checkLosses(t, lines, dropped > 0)
				checkHeaders(t, known, lines)

				var b bytes.Buffer
				do(t, wiretap.WritePcap(&b, &wiretap.Framings[0], 60+rng.IntN(1300), packets))
				lines, counts := replayed(t, b.Bytes(), secrets)
				checkLosses(t, lines, counts.Cut > 0)
				checkHeaders(t, known, lines)
			}
		})
	}
}

// headersOf returns the header lists of frames.
func headersOf(lines []string) (list []string) {
	for _, line := range lines {
		if _, after, ok := strings.Cut(line, `"headers":[`); ok {
			headers, _, _ := strings.Cut(after, "]")
			list = append(list, headers)
		}
	}
	return list
}

func checkHeaders(t *testing.T, known map[string]bool, lines []string) {
	t.Helper()
	for _, h := range headersOf(lines) {
		if !known[h] {
			t.Fatalf("a header list that was never sent: %s", h)
		}
	}
}

// checkLosses holds the loss events against the summary.
func checkLosses(t *testing.T, lines []string, lost bool) {
	t.Helper()
	var announced, seen, delivered, missing int
	for _, line := range lines {
		if _, after, ok := strings.Cut(line, `"event":"loss"`); ok {
			n := 0
			_, records, _ := strings.Cut(after, `"records":`)
			_, err := fmt.Sscanf(records, "%d", &n)
			do(t, err)
			announced += n
		}
	}
	last := lines[len(lines)-1]
	_, after, _ := strings.Cut(last, `"records":{`)
	if _, err := fmt.Sscanf(after, `"seen":%d,"delivered":%d,"lost":%d`, &seen, &delivered, &missing); err != nil {
		t.Fatalf("%v: %s", err, last)
	}
	if seen != delivered+missing || announced != missing || lost && missing == 0 {
		t.Errorf("seen %d, delivered %d, lost %d, announced %d", seen, delivered, missing, announced)
	}
}

// TestReplayJoined has captures begin in the middle of connections. Without TLS, frames are
// found again; with TLS, the reason is said.
func TestReplayJoined(t *testing.T) {
	packets, _ := recording{http2: true, bodies: 40000}.record(t)
	lines, _ := replayed(t, pcapOf(t, packets[len(packets)/3:]), nil)
	all := strings.Join(lines, "\n")
	for _, want := range []string{`"joined":"mid"`, `"type":"DATA"`, `"type":"HEADERS"`, `"role":"client"`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
	packets, secrets := recording{tls: true, http2: true, bodies: 40000}.record(t)
	lines, _ = replayed(t, pcapOf(t, packets[len(packets)/3:]), secrets)
	all = strings.Join(lines, "\n")
	if !strings.Contains(all, "not decrypted: its handshake is not in the capture") || strings.Contains(all, `"event":"frame"`) {
		t.Errorf("of TLS: %s", all)
	}
	lines, _ = replayed(t, pcapOf(t, packets[2:]), secrets) // all but SYN and its answer
	if n := strings.Count(strings.Join(lines, ""), `"event":"exchange"`); n != 5 {
		t.Errorf("without SYN: %d exchanges, want 5:\n%s", n, strings.Join(lines, "\n"))
	}
}

// TestReplayHalf has captures of one direction. What the other one said is lost, not made up: no
// stall and no violation comes of it.
func TestReplayHalf(t *testing.T) {
	for _, c := range []recording{{http2: true, bodies: 40000}, {bodies: 40000}} {
		packets, _ := c.record(t)
		for _, source := range []netip.AddrPort{packets[0].Source, packets[0].Dest} {
			t.Run(fmt.Sprintf("%+v, %v", c, source), func(t *testing.T) {
				half := slices.DeleteFunc(slices.Clone(packets), func(p wiretap.Packet) bool { return p.Source != source })
				lines, _ := replayed(t, pcapOf(t, half), nil)
				checkLosses(t, lines, true)
				all := strings.Join(lines, "\n")
				if n := strings.Count(all, `"event":"exchange"`); n != 5 || strings.Contains(all, `"violation"`) || strings.Contains(all, `"event":"stall"`) {
					t.Errorf("%d exchanges, want 5, without stalls and violations:\n%s", n, all)
				}
			})
		}
	}
}

// TestReplayClockSetBack has connections end before and after the clock is set back. None is kept.
func TestReplayClockSetBack(t *testing.T) {
	var list []wiretap.Packet
	for i, ahead := range []time.Duration{50 * 365 * 24 * time.Hour, time.Second, 2 * time.Second, 3 * time.Second} {
		packets, _ := recording{bodies: 100}.record(t)
		for _, p := range packets {
			p.Time = p.Time.Add(ahead)
			if i > 0 && p.Source.Addr() == packets[0].Source.Addr() {
				p.Source = netip.AddrPortFrom(p.Source.Addr(), p.Source.Port()+uint16(i))
			}
			if i > 0 && p.Dest.Addr() == packets[0].Source.Addr() {
				p.Dest = netip.AddrPortFrom(p.Dest.Addr(), p.Dest.Port()+uint16(i))
			}
			list = append(list, p)
		}
	}
	r := NewReplay(ReplayOptions{}, io.Discard)
	do(t, feedCapture(r, pcapOf(t, list)))
	if n := len(r.conns.byID); n != 1 { // the last one lingers
		t.Errorf("%d connections are kept", n)
	}
	_, err := r.Finish()
	do(t, err)
}

// TestReplaySetBackWithin has the clock set back after each packet of a connection. What took a time
// that is unknown has none, and none is negative.
func TestReplaySetBackWithin(t *testing.T) {
	for _, c := range []recording{{tls: true, http2: true, bodies: 100}, {http2: true, bodies: 100}, {bodies: 100}} {
		packets, secrets := c.record(t)
		for i := range packets {
			packets[i].Time = packets[i].Time.Add(time.Hour)
			lines, _ := replayed(t, pcapOf(t, packets), secrets) // checked by the schema
			for _, line := range lines {
				if strings.Contains(line, "_ms\":-") {
					t.Errorf("%+v, set back after packet %d: %s", c, i, line)
				}
			}
		}
	}
}
