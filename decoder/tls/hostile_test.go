package tls_test

import (
	"bytes"
	gotls "crypto/tls"
	mathrand "math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/record"
)

var tls13 = scenario{name: "TLS 1.3"}

// TestSecrets gives other secrets than those of the connection.
func TestSecrets(t *testing.T) {
	conv := tls13.record(t, []int{10, 100, 1000, 10000})
	other := tls13.record(t, []int{1, 1})
	forged := func(s logged) logged { // of another session, with this one's client random
		for _, o := range other.secrets {
			if o.label == s.label {
				return logged{s.label, s.random, o.secret}
			}
		}
		t.Fatal(s.label)
		return s
	}
	none := []string{`offered send goproxy.example ["h2" "http/1.1"]`, "unopened send: no secret", "unopened recv: no secret"}
	for _, tt := range []struct {
		name string
		give func(s logged) []logged
		want []string // nil: everything is opened
	}{
		{"none", func(logged) []logged { return nil }, none},
		{"of another client random", func(s logged) []logged { s.random[0]++; return []logged{s} }, none},
		{"of another session", func(s logged) []logged { return []logged{forged(s)} }, none},
		{"of another length", func(s logged) []logged { return []logged{{s.label, s.random, append(s.secret, 0)}} }, none},
		{"empty", func(s logged) []logged { return []logged{{s.label, s.random, nil}} }, none},
		{"twice", func(s logged) []logged { return []logged{s, s} }, nil},
		{"right after wrong", func(s logged) []logged { return []logged{forged(s), s} }, nil},
		{"wrong after right", func(s logged) []logged { return []logged{s, forged(s)} }, nil},
	} {
		for _, when := range []int{0, 3, len(conv.segments)} {
			given := *conv
			given.secrets = nil
			for _, s := range conv.secrets {
				given.secrets = append(given.secrets, tt.give(s)...)
			}
			got := run(&given, 1<<20, when)
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, got.lines); diff != "" || len(got.said[0])+len(got.said[1]) > 0 {
					t.Errorf("%s, at %d: %s", tt.name, when, diff)
				}
				continue
			}
			for d := range got.said {
				if !bytes.Equal(got.said[d], conv.said[d]) {
					t.Errorf("%s, at %d: %s: got %d bytes, want %d", tt.name, when, decoder.Direction(d), len(got.said[d]), len(conv.said[d]))
				}
			}
		}
	}
}

// TestLateSecret gives the secrets after more ciphertext than may wait: what comes after
// them is opened, at its place.
func TestLateSecret(t *testing.T) {
	for _, s := range scenarios() {
		if s.resumed {
			continue // its secret is there before it begins
		}
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{10, 3 << 20, 10, 300000})
			c, r := newConn(conv), &result{}
			var held int
			for i, s := range conv.segments {
				c.Data(ktime.Time(i+1), s.dir, s.b)
				r.drain(c)
				if held += len(s.b); held > 2<<20 {
					r.tell(c, conv)
					held = -1 << 40
				}
			}
			c.Close(1 << 40)
			r.drain(c)
			if len(r.lines) < 3 || r.lines[1] != "unopened recv: no secret" {
				t.Errorf("got %q", r.lines)
			}
			got, want := r.said[decoder.Recv], conv.said[decoder.Recv]
			if len(got) < 1<<20 || !bytes.HasSuffix(want, got) {
				t.Errorf("recv: got %d bytes, of the last %d", len(got), len(want))
			}
			if !bytes.Equal(r.said[decoder.Send], conv.said[decoder.Send]) {
				t.Errorf("send: got %d bytes, want %d", len(r.said[decoder.Send]), len(conv.said[decoder.Send]))
			}
		})
	}
}

// TestJoin begins in the middle of a connection, with a Reader as the memory of the
// process would give it, some records before or after.
func TestJoin(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(3, 4))
	conv := tls13.record(t, []int{10, 500000, 100000, 100000, 100, 100})
	labels := [2]string{"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}
	for range 40 {
		c, r := tls.NewJoined(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
		first := 10 + rng.IntN(len(conv.segments)/2)
		join := first + rng.IntN(10)
		for i, s := range conv.segments[first:] {
			b := s.b
			if i == 0 {
				b = b[rng.IntN(len(b)):]
			}
			c.Data(ktime.Time(i+1), s.dir, b)
			r.drain(c)
			if first+i != join {
				continue
			}
			for d, label := range labels {
				for _, s := range conv.secrets {
					if s.label == label {
						suite, _ := record.SuiteByID(conv.state.CipherSuite)
						reader, err := record.NewTLS13(suite, s.secret)
						if err != nil {
							t.Fatal(err)
						}
						reader.SetNumber(uint64(rng.IntN(200)))
						c.Join(decoder.Direction(d), reader)
						r.drain(c)
					}
				}
			}
		}
		c.Close(1 << 40)
		r.drain(c)
		var seen [2]int
		for _, s := range conv.segments[first+1:] {
			seen[s.dir] += len(s.b)
		}
		for d := range r.said {
			const lost = 2 * (5 + 1<<14 + 17) // the beginning of one record, and the alert
			want := min(seen[d]*99/100-lost, len(conv.said[d]))
			if got := r.said[d]; !bytes.HasSuffix(conv.said[d], got) || len(got) < want {
				t.Errorf("joined at %d: %s: got %d bytes, want the last %d of %d", first, decoder.Direction(d), len(got), want, len(conv.said[d]))
			}
		}
	}
}

// TestNotTLS gives what is no TLS.
func TestNotTLS(t *testing.T) {
	for _, b := range []string{"G", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0", "\x16\x02", "\x17\x03\x03\x00\x01a", "\x80\x2e\x01\x03\x01"} {
		c, r := tls.New(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
		c.Data(1, decoder.Send, []byte(b))
		r.drain(c)
		if diff := cmp.Diff([]string{"unopened send: no TLS"}, r.lines); diff != "" {
			t.Errorf("%q: %s", b, diff)
		}
	}
}

// TestUnknownSuite has the peers agree on TLS 1.1.
func TestUnknownSuite(t *testing.T) {
	s := scenario{
		client: func(c *gotls.Config) { c.MinVersion, c.MaxVersion = gotls.VersionTLS11, gotls.VersionTLS11 },
		server: func(c *gotls.Config) { c.MinVersion = gotls.VersionTLS11 },
	}
	got := run(s.record(t, []int{10, 10}), 1<<20, 0)
	want := []string{`offered send goproxy.example ["h2" "http/1.1"]`, "unopened send: unknown cipher suite", "unopened recv: unknown cipher suite"}
	if diff := cmp.Diff(want, got.lines); diff != "" || got.info.Version != gotls.VersionTLS11 {
		t.Errorf("version %x: %s", got.info.Version, diff)
	}
}

// TestChanged changes one byte of a connection: what is returned is what was sent.
func TestChanged(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(5, 6))
	for _, s := range scenarios() {
		conv := s.record(t, []int{100, 20000, 100, 20000})
		for range 100 {
			changed := *conv
			changed.segments = append([]segment(nil), conv.segments...)
			i := rng.IntN(len(changed.segments))
			b := bytes.Clone(changed.segments[i].b)
			b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
			changed.segments[i].b = b
			got := run(&changed, 1<<20, 0)
			for d := range got.said {
				if !isSubsequence(got.said[d], conv.said[d]) {
					t.Fatalf("%s, segment %d: %s: what is returned was not sent", s.name, i, decoder.Direction(d))
				}
			}
		}
	}
}

// isSubsequence reports whether got is want without some of its bytes.
func isSubsequence(got, want []byte) bool {
	for _, b := range got {
		i := bytes.IndexByte(want, b)
		if i < 0 {
			return false
		}
		want = want[i+1:]
	}
	return true
}

// BenchmarkConn opens a download in segments of 64 kB, as generic segmentation offload
// makes them, and of 1,448 bytes.
func BenchmarkConn(b *testing.B) {
	conv := tls13.record(b, []int{100, 64 << 20})
	for _, bm := range []struct {
		name string
		size int
	}{{"64kB", 64 << 10}, {"1448B", 1448}} {
		b.Run(bm.name, func(b *testing.B) {
			b.SetBytes(64 << 20)
			b.ReportAllocs()
			for b.Loop() {
				c := newConn(conv)
				for _, s := range conv.secrets {
					c.Secret(s.label, s.random, s.secret)
				}
				total := 0
				for i, s := range conv.segments {
					for data := s.b; len(data) > 0; data = data[min(bm.size, len(data)):] {
						c.Data(ktime.Time(i), s.dir, data[:min(bm.size, len(data))])
						for e := c.Next(); e != nil; e = c.Next() {
							if p, ok := e.(*tls.Plaintext); ok {
								total += len(p.Data)
							}
						}
					}
				}
				if total != 100+64<<20 {
					b.Fatal(total)
				}
			}
		})
	}
}
