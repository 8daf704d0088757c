//go:build linux

package trace

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/flows"
	"h2trace/cmd/h2trace/internal/testkit/wiretap"
	"h2trace/decoder/capture"
	"h2trace/export"
)

// recording is requests of net/http over connections that a Tap records.
type recording struct {
	tls, http2 bool
	v6         bool
	version    uint16 // of TLS, 0 for the newest
	bodies     int    // bytes of each response
}

// record returns the packets of a conversation, and its session secrets.
func (c recording) record(t testing.TB) (packets []wiretap.Packet, secrets []byte) {
	t.Helper()
	wire := wiretap.New(1448)
	addr := netip.MustParseAddrPort("203.0.113.5:8443")
	if c.v6 {
		addr = netip.MustParseAddrPort("[2001:db8::5]:8443")
	}
	listener, dial := wire.Listener(addr)
	var protocols http.Protocols
	protocols.SetHTTP1(!c.http2)
	protocols.SetHTTP2(c.http2 && c.tls)
	protocols.SetUnencryptedHTTP2(c.http2 && !c.tls)
	server := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Etag", r.URL.Path)
		_, _ = io.WriteString(w, strings.Repeat("0123456789", c.bodies/10))
	})}
	transport := &http.Transport{Protocols: &protocols, DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(), nil }}
	var keys bytes.Buffer
	scheme := "http"
	if c.tls {
		scheme = "https"
		local := httptest.NewUnstartedServer(nil)
		local.StartTLS()
		defer local.Close()
		server.TLSConfig = &tls.Config{Certificates: local.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}, MaxVersion: c.version}
		roots := x509.NewCertPool()
		roots.AddCert(local.Certificate())
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com", KeyLogWriter: &keys}
		go func() { _ = server.ServeTLS(listener, "", "") }()
	} else {
		go func() { _ = server.Serve(listener) }()
	}
	client := &http.Client{Transport: transport}
	for i := range 5 {
		resp, err := client.Post(fmt.Sprintf("%s://%s/mod/@v/%d.info", scheme, addr, i), "text/plain", strings.NewReader("a question"))
		do(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		do(t, errors.Join(err, resp.Body.Close()))
		wire.Wait(30 * time.Millisecond)
	}
	transport.CloseIdleConnections()
	do(t, server.Close())
	return wire.Packets(), keys.Bytes()
}

// replayed returns the events of a capture.
func replayed(t testing.TB, file []byte, secrets []byte) (lines []string, counts flows.Counts) {
	t.Helper()
	var out bytes.Buffer
	r := NewReplay(ReplayOptions{ShowSecrets: true}, &out)
	_, err := r.Secrets(bytes.NewReader(secrets))
	do(t, err)
	do(t, feedCapture(r, file))
	counts, err = r.Finish()
	do(t, err)
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), counts
}

// feedCapture gives a Replay what a file holds.
func feedCapture(r *Replay, file []byte) error {
	in, err := capture.NewReader(bytes.NewReader(file))
	for err == nil {
		var item capture.Item
		switch item, err = in.Next(); item := item.(type) {
		case *capture.Packet:
			err = r.Packet(item)
		case *capture.Secrets:
			_, err = r.Secrets(item.Reader())
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func pcapOf(t testing.TB, packets []wiretap.Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	do(t, wiretap.WritePcap(&b, &wiretap.Framings[0], 0, packets))
	return b.Bytes()
}

// withoutUsage returns events without what the agent used.
func withoutUsage(lines []string) (list []string) {
	for _, line := range lines {
		if before, after, ok := strings.Cut(line, `"agent":{`); ok {
			_, after, _ = strings.Cut(after, "}")
			line = before + after
		}
		list = append(list, line)
	}
	return list
}

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

// FuzzReplay has the engine decode anything. It must neither panic nor write what is no event.
func FuzzReplay(f *testing.F) {
	for _, c := range []recording{{tls: true, http2: true, bodies: 10}, {http2: true, bodies: 10}, {bodies: 10}} {
		packets, secrets := c.record(f)
		for i := range wiretap.Framings {
			var b bytes.Buffer
			do(f, wiretap.WritePcapng(&b, &wiretap.Framings[i], secrets, packets))
			f.Add(b.Bytes())
		}
		f.Add(pcapOf(f, packets))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var out bytes.Buffer
		r := NewReplay(ReplayOptions{BodyBytes: 16}, &out)
		err := feedCapture(r, file)
		if _, finishErr := r.Finish(); finishErr != nil {
			t.Fatal(finishErr)
		}
		if _, damaged := errors.AsType[*capture.DamagedError](err); err != nil && !damaged && !errors.Is(err, capture.ErrFormat) {
			t.Fatal(err)
		}
		filter := export.NewLineFilter(export.Filter{})
		for line := range bytes.Lines(out.Bytes()) {
			if _, _, ok := filter.Shows(bytes.TrimSuffix(line, []byte("\n"))); !ok {
				t.Fatalf("no event: %s", line)
			}
		}
	})
}

// BenchmarkReplay decodes captures of large responses in segments of 1448 bytes.
func BenchmarkReplay(b *testing.B) {
	for _, c := range []recording{
		{http2: true, bodies: 4 << 20},
		{tls: true, http2: true, bodies: 4 << 20},
		{tls: true, http2: true, version: tls.VersionTLS12, bodies: 4 << 20},
		{bodies: 4 << 20},
		{http2: true, bodies: 100},
	} {
		packets, secrets := c.record(b)
		file := pcapOf(b, packets)
		b.Run(fmt.Sprintf("%+v", c), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReplay(ReplayOptions{}, io.Discard)
				_, err := r.Secrets(bytes.NewReader(secrets))
				do(b, errors.Join(err, feedCapture(r, file)))
				_, err = r.Finish()
				do(b, err)
			}
		})
	}
}
