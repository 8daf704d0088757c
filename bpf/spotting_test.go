package bpf

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"h2trace/bpf/plan"
	tlsrecord "h2trace/decoder/tls/record"
)

// TestSpot opens connections before h2trace comes. At their next bytes it reads the keys
// that open these, from the copy in the record and from the memory of the process.
func TestSpot(t *testing.T) {
	for _, tt := range []struct {
		version, suite uint16
		mode           plan.Mode
		compat         bool
	}{
		{tls.VersionTLS13, 0, plan.Auto, false},
		{tls.VersionTLS13, 0, plan.EntryRet, false},
		{tls.VersionTLS13, 0, plan.Auto, true},
		{tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, plan.Auto, false},
		{tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, plan.Auto, false},
		{tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, plan.Auto, true},
		{tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, plan.Auto, false},
	} {
		name := tls.VersionName(tt.version) + " " + tls.CipherSuiteName(tt.suite)
		t.Run(name, func(t *testing.T) {
			client, server := openBefore(t, &tls.Config{
				MinVersion: tt.version, MaxVersion: tt.version, CipherSuites: []uint16{tt.suite},
			})
			c := newUnattached(t, Options{BufferSize: 1 << 20, Wire: true, Mode: tt.mode, compat: tt.compat})
			if err := c.Spotting.Begin(nil); err != nil {
				t.Fatal(err)
			}
			attachSelf(t, c)
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			generation, _ := c.Targets.GenerationOf(os.Getpid())
			if err := c.Sockets.OwnSockets(os.Getpid(), generation, "test"); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time, they are known
				sayOne(t, client, server)
			}
			checkSpots(t, c, [2]*tls.Conn{client, server})
			if hits, err := c.Spotting.Hits(); err != nil || hits == 0 {
				t.Errorf("%d hits found nothing new (%v)", hits, err)
			}
			if err := c.Spotting.End(); err != nil {
				t.Error(err)
			}
		})
	}
}

// openBefore returns both sides of a connection over TCP after its handshake.
func openBefore(t *testing.T, config *tls.Config) (client, server *tls.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	raw, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(raw.Close(), accepted.Close()) })
	config.Certificates, config.InsecureSkipVerify = []tls.Certificate{certificateOf(t)}, true
	config.ServerName, config.NextProtos, config.SessionTicketsDisabled = "example.com", []string{"test"}, true
	client, server = tls.Client(raw, config), tls.Server(accepted, config)
	sayOne(t, client, server)
	return client, server
}

// sayOne sends a letter from the client to the server, and one back.
func sayOne(t *testing.T, client, server *tls.Conn) {
	t.Helper()
	said := make(chan error, 1)
	go func() {
		_, err := client.Write([]byte("c"))
		said <- err
	}()
	b := make([]byte, 1)
	_, err := io.ReadFull(server, b)
	if err == nil {
		_, err = server.Write([]byte("s"))
	}
	if err == nil {
		_, err = io.ReadFull(client, b)
	}
	if err := errors.Join(err, <-said); err != nil {
		t.Fatal(err)
	}
}

// checkSpots requires one spot of each side, with the keys of what it sent and received.
func checkSpots(t *testing.T, c *Collector, sides [2]*tls.Conn) {
	t.Helper()
	sent := make(map[uint64]*[2][]byte) // ciphertext by connection and direction
	spots := make(map[uint64]Spot)
	readAll(t, c, func(e Event) {
		switch e := e.(type) {
		case *Segment:
			if sent[e.Conn] == nil {
				sent[e.Conn] = new([2][]byte)
			}
			sent[e.Conn][e.Dir] = append(sent[e.Conn][e.Dir], e.Payload...)
		case *Spot:
			if _, ok := spots[e.Conn]; ok || wireOf(e.Conn) != WireTLS {
				t.Errorf("got another spot of %#x", e.Conn)
			}
			spots[e.Conn] = *e
		}
	})
	if len(spots) != len(sides) {
		t.Fatalf("%d spots, want %d", len(spots), len(sides))
	}
	for conn, spot := range spots {
		state := sides[0].ConnectionState()
		fromMemory, err := c.Spotting.ReadTLS(&spot)
		if err != nil || spot.State == nil {
			t.Fatalf("state %v, from memory: %v", spot.State, err)
		}
		for _, s := range []*TLSState{spot.State, fromMemory} {
			if s.Version != state.Version || s.Cipher != state.CipherSuite || s.Resumed || s.ALPN != "test" || s.SNI != "example.com" {
				t.Errorf("got %+v", s)
			}
			if suite, _ := tlsrecord.SuiteByID(s.Cipher); suite.Pads() {
				if s.Unread == "" {
					t.Error("CBC is read")
				}
				continue
			}
			want := [2]string{"c", "s"}
			if s.Role == RoleServer {
				want = [2]string{"s", "c"}
			}
			for d := range want {
				if got := opensFirst(t, s, d, sent[conn][d]); got != want[d] {
					t.Errorf("role %d, direction %d: got %q, want %q", s.Role, d, got, want[d])
				}
			}
		}
	}
}

// opensFirst opens the first record of some ciphertext with the keys of a direction.
func opensFirst(t *testing.T, s *TLSState, dir int, b []byte) string {
	t.Helper()
	suite, _ := tlsrecord.SuiteByID(s.Cipher)
	k := &s.Keys[dir]
	r, err := tlsrecord.NewTLS13(suite, k.Secret)
	if s.Version == tls.VersionTLS12 {
		r, err = tlsrecord.NewKey(tlsrecord.TLS12, suite, k.Key, k.IV)
	}
	if err != nil || len(b) < tlsrecord.HeaderSize {
		t.Fatalf("%d bytes (%v)", len(b), err)
	}
	b = b[:tlsrecord.HeaderSize+int(b[3])<<8+int(b[4])]
	number, ok := r.Find(b, 0, k.Number+2)
	if !ok {
		t.Fatal("its keys do not open it")
	}
	r.SetNumber(number)
	plaintext, _, err := r.Open(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	return string(plaintext)
}
