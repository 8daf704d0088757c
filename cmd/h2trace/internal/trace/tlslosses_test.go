//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// lossy replays a connection whose kernel loses records at random, at a rate from 0 to 1,
// and returns its events. After each record it calls after, which may be nil.
func (f *fetched) lossy(t *testing.T, random *rand.Rand, rate float64, after func(*connTable, *bpf.Segment)) string {
	t.Helper()
	var out bytes.Buffer
	table := newTestTable(t, &out)
	head, wire := bpf.Head{Time: 1000, PID: 7, Conn: 1<<62 | 5}, bpf.WireTLS
	if f.plain {
		head.Conn, wire, table.ciphers.wanted = 1<<63|5, bpf.WireHTTP, true
	}
	table.open(&bpf.Open{
		Head: head, Wire: wire, Role: bpf.RoleClient, Handshake: true,
		Local: netip.MustParseAddrPort("192.0.2.1:1"), Remote: netip.MustParseAddrPort("192.0.2.2:443"),
	})
	var totals bpf.Totals
	var said [2]uint32
	late, from := random.Intn(12), 2+random.Intn(10)
	for i, s := range f.segments {
		if i == late {
			for _, secret := range f.secrets {
				secret.Secret = bytes.Clone(secret.Secret)
				table.secret(&secret)
			}
		}
		totals.Offset[s.Dir] = s.Offset + uint64(len(s.Payload))
		if i >= from && random.Float64() < rate {
			totals.LostRecords[s.Dir]++
			totals.LostBytes[s.Dir] += uint64(len(s.Payload))
			continue
		}
		s.Head, s.Time, s.First = head, ktime.Time(2000+i), 1<<32-3000 // wraps around
		s.LostRecords, s.LostBytes = totals.LostRecords[s.Dir], totals.LostBytes[s.Dir]
		s.Stale = totals.LostRecords[s.Dir^1] > said[s.Dir^1]
		said[s.Dir] = s.LostRecords
		table.segment(&s)
		if after != nil {
			after(table, &s)
		}
	}
	head.Time = 9000
	if err := table.close(&bpf.Close{Head: head, Socket: true, Totals: totals}); err != nil {
		t.Fatal(err)
	}
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if err := table.events.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(table.ciphers.keys.conns) + len(table.ciphers.keys.secrets) + len(table.byID); n > 0 {
		t.Errorf("%d sessions and connections are left", n)
	}
	return out.String()
}

// TestLostCiphertext loses records of TLS connections. What is printed is right: the
// peers violate nothing, no handshake fails, and headers are those that were sent.
func TestLostCiphertext(t *testing.T) {
	var paths []string
	for i := range 12 {
		paths = append(paths, "/p"+strings.Repeat("x", i))
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f := fetch(t, paths, func(c *tls.Config) { c.MaxVersion = version })
		for seed := range int64(300) {
			rate := []float64{0.01, 0.05, 0.2}[seed%3]
			for line := range strings.Lines(f.lossy(t, rand.New(rand.NewSource(seed)), rate, nil)) {
				if fault := faultOf(t, line, paths); fault != "" {
					t.Errorf("%s, seed %d: %s in %s", tls.VersionName(version), seed, fault, line)
				}
			}
		}
	}
}

// faultOf returns what an event says that is not so.
func faultOf(t *testing.T, line string, paths []string) string {
	t.Helper()
	var e struct {
		Action, Violation, Event, Method string
		Headers                          []struct{ Name, Value string }
		Error                            any
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	switch {
	case e.Action == "failed":
		return "a failure"
	case e.Violation != "":
		return "a violation"
	case e.Event == "exchange" && e.Error != nil:
		return fmt.Sprintf("error %v", e.Error)
	}
	for _, h := range e.Headers {
		if h.Name == ":path" && !slices.Contains(paths, h.Value) || h.Name == ":status" && h.Value != "200" {
			return h.Name + " " + h.Value
		}
	}
	return ""
}
