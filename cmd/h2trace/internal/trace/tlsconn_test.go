//go:build linux

package trace

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

// tap records what a connection carries, as segments.
type tap struct {
	net.Conn
	mu       sync.Mutex
	offset   [2]uint64
	segments []bpf.Segment
}

func (t *tap) add(dir int, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.segments = append(t.segments, bpf.Segment{
		Wire: bpf.WireTLS, Dir: dir, Offset: t.offset[dir], Payload: bytes.Clone(b),
	})
	t.offset[dir] += uint64(len(b))
}

func (t *tap) Write(b []byte) (int, error) {
	t.add(bpf.Send, b)
	return t.Conn.Write(b)
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.add(bpf.Recv, b[:n])
	return n, err
}

// fetched is a recorded connection of net/http.
type fetched struct {
	segments []bpf.Segment
	secrets  []bpf.Secret
	plain    bool // TLS is inside of a connection without
}

// fetch has net/http get paths from a server, one after the other. Each response has
// the path as its body.
func fetch(t testing.TB, paths []string, configure func(client *tls.Config)) *fetched {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(r.URL.Path, 1000))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	var keys bytes.Buffer
	config := &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com", KeyLogWriter: &keys}
	configure(config)
	var tapped *tap
	transport := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			tapped = &tap{Conn: conn}
			return tapped, err
		},
	}
	for _, path := range paths {
		response, err := (&http.Client{Transport: transport}).Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	transport.CloseIdleConnections()
	tapped.mu.Lock()
	defer tapped.mu.Unlock()
	return &fetched{segments: tapped.segments, secrets: secretsOf(keys.String())}
}

// secretsOf returns the secrets of a key log.
func secretsOf(log string) (secrets []bpf.Secret) {
	for line := range strings.Lines(log) {
		var s bpf.Secret
		fields := strings.Fields(line)
		random, _ := hex.DecodeString(fields[1])
		s.Label, s.ClientRandom = fields[0], [32]byte(random)
		s.Secret, _ = hex.DecodeString(fields[2])
		secrets = append(secrets, s)
	}
	return secrets
}

// fetchedHead begins the records of a replayed connection.
var fetchedHead = bpf.Head{Time: 1000, PID: 7, Conn: 1<<62 | 5}

func openFetched(table *connTable, role bpf.Role) {
	table.open(&bpf.Open{
		Head: fetchedHead, Wire: bpf.WireTLS, Role: role, Handshake: true,
		Local: netip.MustParseAddrPort("192.0.2.1:1"), Remote: netip.MustParseAddrPort("192.0.2.2:443"),
	})
}

// tell gives the secrets of the connection to a table, and returns what became of their
// records.
func (f *fetched) tell(table *connTable) []bpf.Secret {
	given := slices.Clone(f.secrets)
	for i := range given {
		given[i].Secret = bytes.Clone(given[i].Secret)
		table.secret(&given[i])
	}
	return given
}

// give gives segment number i to a table.
func (f *fetched) give(table *connTable, i int) {
	s := f.segments[i]
	s.Head = fetchedHead
	s.Time = ktime.Time(2000 + i)
	table.segment(&s)
}

// never is when secrets come of which too long was waited for.
const never = 1 << 30

// printed replays a connection and returns its events, in words. Its secrets come before
// segment number late.
func (f *fetched) printed(t *testing.T, late int) []string {
	t.Helper()
	var out bytes.Buffer
	table := newTestTable(t, &out)
	openFetched(table, bpf.RoleClient)
	tell := func() {
		for _, s := range f.tell(table) {
			if !bytes.Equal(s.Secret, make([]byte, len(s.Secret))) {
				t.Error("a secret is not zeroed in the record")
			}
		}
	}
	for i := range f.segments {
		if i == late {
			tell()
		}
		f.give(table, i)
	}
	switch {
	case late == never:
		if err := table.expire(ktime.Time(2000).Add(2*secretWait), true); err != nil {
			t.Fatal(err)
		}
		if !table.kernel.(*fakeKernel).wishes[fetchedHead.Conn].Payload.Nothing {
			t.Error("the kernel goes on copying")
		}
		tell()
	case late >= len(f.segments):
		tell()
	}
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if err := table.events.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(table.ciphers.keys.secrets) + len(table.ciphers.keys.conns); n > 0 && late < len(f.segments) {
		t.Errorf("%d sessions are remembered", n)
	}
	return inWords(t, &out)
}

// inWords returns exchanges and conn events.
func inWords(t *testing.T, out *bytes.Buffer) (words []string) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var e struct {
			Event, Action, Protocol, Source, Reason, Method, URL string
			ResponseBytes                                        int `json:"response_bytes"`
			TLS                                                  struct{ Version, ALPN, SNI, Issuer string }
			Error                                                struct{ Class, Detail string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Event {
		case "conn":
			words = append(words, fmt.Sprintf("%s %s by %s, %+v %s", e.Action, e.Protocol, e.Source, e.TLS, e.Reason+e.Error.Detail))
		case "exchange":
			words = append(words, strings.TrimSpace(fmt.Sprintf("%s %s: %d bytes %s", e.Method, e.URL[max(0, strings.LastIndex(e.URL, "/")):], e.ResponseBytes, e.Error.Class+" "+e.Error.Detail)))
		}
	}
	return words
}

// TestWireTLS replays the packets and secrets of connections of net/http, with the
// secrets at any time.
func TestWireTLS(t *testing.T) {
	for _, tt := range []struct {
		name      string
		configure func(*tls.Config)
		open      string
		given     string // the open event without secrets
	}{
		{"TLS 1.3", func(*tls.Config) {}, "open h2 by wire, {Version:TLS 1.3 ALPN:h2 SNI:example.com Issuer:O=Acme Co} ", "open  by wire, {Version:TLS 1.3 ALPN: SNI:example.com Issuer:} not decrypted: no secret"},
		{"TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, "open h2 by wire, {Version:TLS 1.2 ALPN:h2 SNI:example.com Issuer:O=Acme Co} ", "open  by wire, {Version:TLS 1.2 ALPN:h2 SNI:example.com Issuer:O=Acme Co} not decrypted: no secret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := fetch(t, []string{"/a", "/bc", "/d"}, tt.configure)
			want := []string{tt.open, "GET /a: 2000 bytes", "GET /bc: 3000 bytes", "GET /d: 2000 bytes"}
			given := []string{tt.given}
			if diff := cmp.Diff(given, f.printed(t, never)); diff != "" {
				t.Errorf("without secrets: %s", diff)
			}
			for late := range len(f.segments) + 1 {
				got := f.printed(t, late)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("secrets before segment %d of %d: %s", late, len(f.segments), diff)
				}
			}
		})
	}
}
