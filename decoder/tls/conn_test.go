package tls_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	gotls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// segment is bytes of one direction of a recorded connection.
type segment struct {
	dir decoder.Direction
	b   []byte
}

// logged is a line of a key log.
type logged struct {
	label  string
	random [32]byte
	secret []byte
}

// conversation is a recorded connection, from the view of its client.
type conversation struct {
	before   *conversation // whose session it resumes, or nil
	segments []segment
	secrets  []logged
	said     [2][]byte // application data by direction
	state    gotls.ConnectionState
}

// tap records what a client's connection carries.
type tap struct {
	net.Conn
	mu       sync.Mutex
	segments []segment
}

func (t *tap) add(dir decoder.Direction, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.segments = append(t.segments, segment{dir, bytes.Clone(b)})
}

func (t *tap) Write(b []byte) (int, error) {
	t.add(decoder.Send, b)
	return t.Conn.Write(b)
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.add(decoder.Recv, b[:n])
	}
	return n, err
}

// certificate returns a certificate of goproxy.example.
func certificate(t testing.TB) gotls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "goproxy.example", Organization: []string{"Proxies"}},
		DNSNames: []string{"goproxy.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return gotls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// stream returns n bytes, of which every four tell where they are.
func stream(n int, seed byte) []byte {
	b := make([]byte, 0, n+4)
	for i := 0; len(b) < n; i += 4 {
		b = append(b, byte(i>>24)^seed, byte(i>>16), byte(i>>8), byte(i))
	}
	return b[:n]
}

// loopback returns the ends of a TCP connection.
func loopback(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// talk has a client and a server of crypto/tls exchange sizes of application data by
// turns, the client first.
func talk(t testing.TB, client, server *gotls.Config, sizes []int) *conversation {
	t.Helper()
	conv := &conversation{}
	var keys bytes.Buffer
	client.KeyLogWriter = &keys
	clientEnd, serverEnd := loopback(t)
	tapped := &tap{Conn: clientEnd}
	c, s := gotls.Client(tapped, client), gotls.Server(serverEnd, server)
	var turns [2][][]byte
	total := [2]int{}
	for i, n := range sizes {
		total[i%2] += n
	}
	for d := range conv.said {
		conv.said[d] = stream(total[d], byte(d+1))
	}
	at := [2]int{}
	for i, n := range sizes {
		turns[i%2] = append(turns[i%2], conv.said[i%2][at[i%2]:at[i%2]+n])
		at[i%2] += n
	}
	play := func(conn *gotls.Conn, mine, theirs [][]byte, first bool) error {
		for i := range max(len(mine), len(theirs)) {
			for _, write := range []bool{first, !first} {
				switch {
				case write && i < len(mine):
					if _, err := conn.Write(mine[i]); err != nil {
						return err
					}
				case !write && i < len(theirs):
					if _, err := io.ReadFull(conn, make([]byte, len(theirs[i]))); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	done := make(chan error, 1)
	go func() {
		err := play(s, turns[1], turns[0], false)
		_, _ = io.Copy(io.Discard, s) // until the close_notify
		_ = s.Close()
		done <- err
	}()
	if err := play(c, turns[0], turns[1], true); err != nil {
		t.Fatal(err)
	}
	conv.state = c.ConnectionState()
	go func() { _, _ = io.Copy(io.Discard, c) }()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	clientEnd.Close()
	tapped.mu.Lock()
	conv.segments = tapped.segments
	tapped.mu.Unlock()
	conv.secrets = parseLog(t, &keys)
	return conv
}

func parseLog(t testing.TB, r io.Reader) (list []logged) {
	t.Helper()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) != 3 { // a comment of openssl
			continue
		}
		random, err1 := hex.DecodeString(f[1])
		secret, err2 := hex.DecodeString(f[2])
		if err1 != nil || err2 != nil {
			t.Fatal(lines.Text())
		}
		list = append(list, logged{f[0], [32]byte(random), secret})
	}
	return list
}

// result is what a Conn says of a conversation.
type result struct {
	said   [2][]byte
	lines  []string // everything but plaintext
	turns  []turn
	offers int
	info   tls.Info
}

// turn is plaintext of one direction between that of the other.
type turn struct {
	dir   decoder.Direction
	bytes int
}

// drain takes all events that a Conn has.
func (r *result) drain(c *tls.Conn) {
	for e := c.Next(); e != nil; e = c.Next() {
		switch e := e.(type) {
		case *tls.Plaintext:
			r.said[e.Dir] = append(r.said[e.Dir], e.Data...)
			if n := len(r.turns); n == 0 || r.turns[n-1].dir != e.Dir {
				r.turns = append(r.turns, turn{dir: e.Dir})
			}
			r.turns[len(r.turns)-1].bytes += len(e.Data)
		case *tls.Offered:
			r.offers++
			r.lines = append(r.lines, fmt.Sprintf("offered %s %s %q", e.Dir, e.Hello.SNI, e.Hello.ALPN))
		case *tls.Established:
			r.lines = append(r.lines, "established")
		case *tls.Alert:
			r.lines = append(r.lines, fmt.Sprintf("alert %s %s, encrypted %t", e.Dir, e.Alert, e.Encrypted))
		case *tls.Missing:
			r.lines = append(r.lines, fmt.Sprintf("missing %s %d bytes, %d records with %d", e.Dir, e.Ciphertext, e.Records, e.Plaintext))
		case *tls.Unopened:
			r.lines = append(r.lines, fmt.Sprintf("unopened %s: %s", e.Dir, e.Reason))
		}
	}
	r.info = *c.Info()
}

// newConn returns a Conn that knows the session that a conversation resumes.
func newConn(conv *conversation) *tls.Conn {
	sessions := tls.NewSessions()
	if conv.before != nil {
		c, r := tls.New(tls.NewBudget(1<<20), sessions), &result{}
		r.tell(c, conv.before)
		for i, s := range conv.before.segments {
			c.Data(ktime.Time(i+1), s.dir, s.b)
			r.drain(c)
		}
	}
	return tls.New(tls.NewBudget(64<<20), sessions)
}

// run gives a conversation to a Conn: its segments cut into pieces of at most most
// bytes, and its secrets before segment number when.
func run(conv *conversation, most, when int) *result {
	c, r := newConn(conv), &result{}
	for i, s := range conv.segments {
		if i == when {
			r.tell(c, conv)
		}
		for b := s.b; len(b) > 0; b = b[min(most, len(b)):] {
			c.Data(ktime.Time(i+1), s.dir, b[:min(most, len(b))])
			r.drain(c)
		}
	}
	if when >= len(conv.segments) {
		r.tell(c, conv)
	}
	c.Close(1 << 40)
	r.drain(c)
	return r
}

func (r *result) tell(c *tls.Conn, conv *conversation) {
	for _, s := range conv.secrets {
		c.Secret(s.label, s.random, s.secret)
		r.drain(c)
	}
}

// scenario is a pair of configurations.
type scenario struct {
	name           string
	client, server func(*gotls.Config)
	resumed        bool
}

func scenarios() (list []scenario) {
	suites := func(id uint16) func(*gotls.Config) {
		return func(c *gotls.Config) { c.MaxVersion, c.CipherSuites = gotls.VersionTLS12, []uint16{id} }
	}
	for _, id := range []uint16{
		gotls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, gotls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		gotls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, gotls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
		gotls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	} {
		list = append(list, scenario{name: gotls.CipherSuiteName(id), client: suites(id)})
	}
	tls12 := func(c *gotls.Config) { c.MaxVersion = gotls.VersionTLS12 }
	return append(list,
		scenario{name: "TLS 1.3"},
		scenario{name: "TLS 1.3 resumed", resumed: true},
		scenario{name: "TLS 1.2 resumed", client: tls12, resumed: true},
		scenario{name: "HelloRetryRequest", server: func(c *gotls.Config) { c.CurvePreferences = []gotls.CurveID{gotls.CurveP521} }},
		scenario{name: "client certificate", server: func(c *gotls.Config) { c.ClientAuth = gotls.RequestClientCert }},
		scenario{name: "client certificate TLS 1.2", client: tls12, server: func(c *gotls.Config) { c.ClientAuth = gotls.RequestClientCert }},
		scenario{name: "small records", client: func(c *gotls.Config) { c.DynamicRecordSizingDisabled = false }},
	)
}

// record returns the conversation of a scenario.
func (s *scenario) record(t testing.TB, sizes []int) *conversation {
	t.Helper()
	cert := certificate(t)
	client := &gotls.Config{
		ServerName: "goproxy.example", InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"},
		Certificates: []gotls.Certificate{cert}, DynamicRecordSizingDisabled: true,
		ClientSessionCache: gotls.NewLRUClientSessionCache(4),
	}
	server := &gotls.Config{Certificates: []gotls.Certificate{cert}, NextProtos: []string{"h2"}}
	if s.client != nil {
		s.client(client)
	}
	if s.server != nil {
		s.server(server)
	}
	if !s.resumed {
		return talk(t, client, server, sizes)
	}
	before := talk(t, client, server, []int{1, 1})
	conv := talk(t, client, server, sizes)
	conv.before = before
	return conv
}

var sizes = []int{1, 100, 16384, 70000, 1, 3, 5000, 200000, 10, 10}

// TestConn compares what a Conn finds with what the endpoints say, with each
// conversation cut in several ways, and the secrets given at several times.
func TestConn(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, sizes)
			want := run(conv, 1<<20, 0)
			for d := range conv.said {
				if !bytes.Equal(want.said[d], conv.said[d]) {
					t.Errorf("%s: got %d bytes, want %d", decoder.Direction(d), len(want.said[d]), len(conv.said[d]))
				}
			}
			lines := []string{
				`offered send goproxy.example ["h2" "http/1.1"]`, "established",
				"alert send warning close_notify, encrypted true",
			}
			if diff := cmp.Diff(lines, want.lines[:min(3, len(want.lines))]); diff != "" {
				t.Error(diff)
			}
			checkInfo(t, conv, &want.info, s.resumed)
			for _, most := range []int{1, 7, 1400, 1 << 20} {
				for _, when := range []int{0, 2, 4, 6, 9, 12} {
					got := run(conv, most, when)
					if diff := cmp.Diff(want.lines, got.lines); diff != "" {
						t.Errorf("pieces of %d, secrets at %d: %s", most, when, diff)
					}
					if diff := cmp.Diff(want.turns, got.turns, cmp.AllowUnexported(turn{})); diff != "" {
						t.Errorf("pieces of %d, secrets at %d: order of the directions: %s", most, when, diff)
					}
					for d := range got.said {
						if !bytes.Equal(got.said[d], want.said[d]) {
							t.Errorf("pieces of %d, secrets at %d: %s differs", most, when, decoder.Direction(d))
						}
					}
				}
			}
		})
	}
}

func checkInfo(t *testing.T, conv *conversation, got *tls.Info, resumed bool) {
	t.Helper()
	state := &conv.state
	if got.Version != state.Version || got.Suite != state.CipherSuite || got.ALPN != state.NegotiatedProtocol || got.Resumed != state.DidResume || state.DidResume != resumed {
		t.Errorf("got %+v, want version %x, suite %x, ALPN %q, resumed %t", got, state.Version, state.CipherSuite, state.NegotiatedProtocol, state.DidResume)
	}
	switch {
	case resumed:
		if got.Certificate != nil {
			t.Errorf("a resumed session has the certificate %+v", got.Certificate)
		}
	case got.Certificate == nil || got.Certificate.Issuer != state.PeerCertificates[0].Issuer.String():
		t.Errorf("certificate: got %+v, want issuer %s", got.Certificate, state.PeerCertificates[0].Issuer)
	}
	if got.Start == 0 || got.End <= got.Start {
		t.Errorf("the handshake lasts from %d to %d", got.Start, got.End)
	}
}

// TestConnLoss drops bytes of established connections at random: all that is returned
// is what was sent at the place that Missing tells.
func TestConnLoss(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(1, 2))
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{100, 300000, 200000, 100000, 50, 50})
			exact := 0
			for range 60 {
				exact += lose(t, conv, rng)
			}
			if exact < 30 {
				t.Errorf("only %d of 60 losses are located", exact)
			}
		})
	}
}

// lose drops up to 40,000 bytes of one direction. It returns 1 if Missing says exactly
// how much plaintext is missing.
func lose(t *testing.T, conv *conversation, rng *mathrand.Rand) (exact int) {
	t.Helper()
	var total [2]int
	for _, s := range conv.segments {
		total[s.dir] += len(s.b)
	}
	dir := decoder.Direction(rng.IntN(2))
	from := 6000 + rng.IntN(total[dir]-6000) // after the handshake
	to := min(from+1+rng.IntN(40000), total[dir])
	c := newConn(conv)
	for _, s := range conv.secrets {
		c.Secret(s.label, s.random, s.secret)
	}
	at, place := [2]int{}, [2]int64{}
	var missing []tls.Missing
	drain := func() {
		for e := c.Next(); e != nil; e = c.Next() {
			switch e := e.(type) {
			case *tls.Missing:
				missing = append(missing, *e)
				if e.Plaintext < 0 || strings.Contains(gotls.CipherSuiteName(conv.state.CipherSuite), "CBC") {
					place[e.Dir] = -1
				} else {
					place[e.Dir] += e.Plaintext
				}
			case *tls.Plaintext:
				said := conv.said[e.Dir]
				i := place[e.Dir]
				if i < 0 {
					i = int64(bytes.Index(said, e.Data))
				}
				if i < 0 || !bytes.Equal(said[i:i+int64(len(e.Data))], e.Data) {
					t.Fatalf("%s: %d bytes at %d are not what was sent; missing %+v", e.Dir, len(e.Data), i, missing)
				}
				place[e.Dir] = i + int64(len(e.Data))
			}
		}
	}
	for i, s := range conv.segments {
		b, start := s.b, at[s.dir]
		at[s.dir] += len(b)
		if s.dir != dir || at[s.dir] <= from || start >= to {
			c.Data(ktime.Time(i), s.dir, b)
			drain()
			continue
		}
		if start < from {
			c.Data(ktime.Time(i), s.dir, b[:from-start])
			drain()
		}
		n := min(at[s.dir], to) - max(start, from)
		c.Missing(ktime.Time(i), s.dir, int64(n))
		drain()
		if at[s.dir] > to {
			c.Data(ktime.Time(i), s.dir, b[len(b)-(at[s.dir]-to):])
			drain()
		}
	}
	c.Close(1 << 40)
	drain()
	switch {
	case len(missing) != 1 || missing[0].Dir != dir:
		t.Fatalf("bytes %d to %d of %d of %s are lost: got %+v", from, to, total[dir], dir, missing)
	case missing[0].Records >= 0:
		exact = 1
		if place[dir] > int64(len(conv.said[dir])) {
			t.Fatalf("%d bytes, want %d", place[dir], len(conv.said[dir]))
		}
	}
	return exact
}
