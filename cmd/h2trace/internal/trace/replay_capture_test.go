//go:build linux

package trace

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/wiretap"
)

// TestReplayFramings has the same packets in captures of each link type, as pcap and as pcapng
// with the secrets in it. All have the same events.
func TestReplayFramings(t *testing.T) {
	for _, c := range []recording{{tls: true, http2: true, bodies: 3000}, {http2: true, bodies: 3000, v6: true}, {tls: true, v6: true, bodies: 100}, {bodies: 100}} {
		packets, secrets := c.record(t)
		want, _ := replayed(t, pcapOf(t, packets), secrets)
		want = withoutUsage(want)
		if n := strings.Count(strings.Join(want, ""), `"event":"exchange"`); n != 5 {
			t.Fatalf("%+v: %d exchanges, want 5:\n%s", c, n, strings.Join(want, "\n"))
		}
		for i := range wiretap.Framings {
			f := &wiretap.Framings[i]
			t.Run(fmt.Sprintf("%s, %+v", f.Name, c), func(t *testing.T) {
				var pcap, pcapng bytes.Buffer
				do(t, errors.Join(wiretap.WritePcap(&pcap, f, 0, packets), wiretap.WritePcapng(&pcapng, f, secrets, packets)))
				got, _ := replayed(t, pcap.Bytes(), secrets)
				if diff := cmp.Diff(want, withoutUsage(got)); diff != "" {
					t.Errorf("pcap: -want +got:\n%s", diff)
				}
				got, _ = replayed(t, pcapng.Bytes(), nil)
				if diff := cmp.Diff(want, withoutUsage(got)); diff != "" {
					t.Errorf("pcapng: -want +got:\n%s", diff)
				}
			})
		}
	}
}

// spoil changes packets as a network does, or a capture of one.
type spoil struct {
	name    string
	do      func(rng *rand.Rand, list []wiretap.Packet) []wiretap.Packet
	retimed bool // events have other times
}

func overtaken(rng *rand.Rand, list []wiretap.Packet) []wiretap.Packet {
	for i := 3; i+1 < len(list); i++ {
		a, b := &list[i], &list[i+1]
		if rng.IntN(3) == 0 && len(a.Payload) > 0 && len(b.Payload) > 0 && a.Source == b.Source {
			a.Seq, b.Seq, a.Payload, b.Payload, a.Ack, b.Ack = b.Seq, a.Seq, b.Payload, a.Payload, b.Ack, a.Ack
			i++
		}
	}
	return list
}

func resent(rng *rand.Rand, list []wiretap.Packet) (spoiled []wiretap.Packet) {
	for i, p := range list {
		spoiled = append(spoiled, p)
		if rng.IntN(3) == 0 && i > 2 && len(p.Payload) > 0 {
			spoiled = append(spoiled, p)
		}
		if q := list[rng.IntN(i+1)]; rng.IntN(3) == 0 && len(q.Payload) > 4 { // an earlier one, in another length
			q.Time, q.Payload = p.Time, q.Payload[:len(q.Payload)/2]
			spoiled = append(spoiled, q)
		}
	}
	return spoiled
}

func probed(rng *rand.Rand, list []wiretap.Packet) (spoiled []wiretap.Packet) {
	for _, p := range list {
		spoiled = append(spoiled, p)
		if len(p.Payload) > 0 { // a keep-alive (RFC 9293 §3.8.4)
			q := p
			q.Seq, q.Payload = p.Seq+uint32(len(p.Payload))-1, []byte{0}
			spoiled = append(spoiled, q)
		}
	}
	return spoiled
}

// TestReplaySpoiled has packets come late, again, in pieces and out of order. The frames are the
// same, and nothing is lost.
func TestReplaySpoiled(t *testing.T) {
	spoils := []spoil{{"overtaken", overtaken, true}, {"resent", resent, false}, {"probed", probed, false}}
	for _, c := range []recording{{tls: true, http2: true, bodies: 40000}, {http2: true, bodies: 40000}, {tls: true, bodies: 40000}, {bodies: 40000}} {
		packets, secrets := c.record(t)
		want, _ := replayed(t, pcapOf(t, packets), secrets)
		for _, s := range spoils {
			t.Run(fmt.Sprintf("%s, %+v", s.name, c), func(t *testing.T) {
				for seed := range uint64(10) {
					spoiled := s.do(rand.New(rand.NewPCG(seed, 0)), append([]wiretap.Packet(nil), packets...))
					got, _ := replayed(t, pcapOf(t, spoiled), secrets)
					if diff := cmp.Diff(ofKind(want, s.retimed), ofKind(got, s.retimed)); diff != "" {
						t.Fatalf("seed %d: -want +got:\n%s", seed, diff)
					}
					if last := got[len(got)-1]; !strings.Contains(last, `"lost":0`) {
						t.Errorf("seed %d: %s", seed, last)
					}
				}
			})
		}
	}
}

// ofKind returns frames and exchanges, if without is set without what depends on times.
func ofKind(lines []string, without bool) (list []string) {
	for _, line := range lines {
		frame := strings.Contains(line, `"event":"frame"`)
		if !frame && !strings.Contains(line, `"event":"exchange"`) {
			continue
		}
		if without {
			if !frame {
				continue
			}
			_, line, _ = strings.Cut(line, `"event"`)
		}
		list = append(list, line)
	}
	return list
}
