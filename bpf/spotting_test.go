//go:build linux

package bpf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/sys/unix"

	"h2trace/bpf/plan"
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
			var log bytes.Buffer
			client, server := openBefore(t, &tls.Config{
				MinVersion: tt.version, MaxVersion: tt.version, CipherSuites: []uint16{tt.suite}, KeyLogWriter: &log,
			})
			c := newSpotting(t, Options{Mode: tt.mode, compat: tt.compat})
			for range 2 { // the second time, they are known
				sayOne(t, client, server)
			}
			checkSpots(t, c, [2]*tls.Conn{client, server}, log.String())
			if hits, err := c.Spotting.Hits(); err != nil || hits == 0 {
				t.Errorf("%d hits found nothing new (%v)", hits, err)
			}
			if err := c.Spotting.End(); err != nil {
				t.Error(err)
			}
		})
	}
}

// newSpotting returns a Collector that looks for the connections that this process has open.
func newSpotting(t *testing.T, o Options) *Collector {
	t.Helper()
	o.BufferSize, o.Wire = 1<<20, true
	c := newUnattached(t, o)
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
	return c
}

// TestSpotUntouched has a connection of which a part lies on a page that the process has not
// touched yet, so that it is not in memory. The other part suffices, and nothing is lost.
func TestSpotUntouched(t *testing.T) {
	raw, _ := connectedTo(t, "127.0.0.1:0")
	page := os.Getpagesize()
	pages, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	c := newSpotting(t, Options{})
	own := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if err := own.SetDeadline(time.Unix(1, 0)); err != nil { // its handshake fails at once
		t.Fatal(err)
	}
	const here = 256 // bytes of it before the page; what comes after is not set yet
	at := pages[page-here : page]
	copy(at, unsafe.Slice((*byte)(unsafe.Pointer(own)), here))
	if n, err := (*tls.Conn)(unsafe.Pointer(&at[0])).Write([]byte("x")); err == nil {
		t.Fatalf("%d bytes were written", n)
	}
	runtime.KeepAlive(own)
	spots := 0
	readAll(t, c, func(e Event) {
		if s, ok := e.(*Spot); ok && s.Ptr == uint64(uintptr(unsafe.Pointer(&at[0]))) {
			spots++
		}
	})
	ledger, err := c.Connections.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if spots != 1 || ledger.Lost() > 0 {
		t.Errorf("%d spots, want 1; %+v", spots, ledger)
	}
}

// openBefore returns both sides of a connection over TCP after its handshake.
func openBefore(t *testing.T, config *tls.Config) (client, server *tls.Conn) {
	t.Helper()
	raw, accepted := connectedTo(t, "127.0.0.1:0")
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

// checkSpots requires one spot of each side, with the keys of what it sent and received: in
// TLS 1.3 those of the key log, in TLS 1.2 those that open the first record.
func checkSpots(t *testing.T, c *Collector, sides [2]*tls.Conn, log string) {
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
			if _, aead := aeadSuites[s.Cipher]; s.Version == tls.VersionTLS12 && !aead {
				if s.Unread == "" {
					t.Error("CBC is read")
				}
				continue
			}
			letters, labels := "cs", [2]string{LabelClientTraffic, LabelServerTraffic}
			if s.Role == RoleServer {
				letters, labels = "sc", [2]string{labels[1], labels[0]}
			}
			for d, k := range s.Keys {
				if s.Version == tls.VersionTLS12 {
					if got := openFirst(t, s, &k, sent[conn][d]); got != letters[d:d+1] {
						t.Errorf("role %d, direction %d: got %q, want %q", s.Role, d, got, letters[d:d+1])
					}
				} else if !hasLine(log, labels[d], hex.EncodeToString(k.Secret)) {
					t.Errorf("role %d, direction %d: another secret than in\n%s", s.Role, d, log)
				}
			}
		}
	}
}

// hasLine reports whether a key log has a secret with a label.
func hasLine(log, label, secret string) bool {
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, label+" ") && strings.HasSuffix(line, " "+secret+"\n") {
			return true
		}
	}
	return false
}

// openFirst opens the first record of some ciphertext (RFC 5246 §6.2.3.3, RFC 7905 §2).
func openFirst(t *testing.T, s *TLSState, k *TLSKeys, b []byte) string {
	t.Helper()
	const header = 5
	if len(b) < header || len(b) < header+int(b[4]) {
		t.Fatalf("%d bytes", len(b))
	}
	head, body := b[:header], b[header:header+int(b[4])]
	open := func(aead cipher.AEAD, err error, nonce, ciphertext []byte, number uint64) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		data := binary.BigEndian.AppendUint64(nil, number)
		data = binary.BigEndian.AppendUint16(append(data, head[:3]...), uint16(len(ciphertext)-aead.Overhead()))
		return aead.Open(nil, nonce, ciphertext, data)
	}
	for number := range k.Number + 2 {
		var plaintext []byte
		var err error
		if len(k.IV) == 12 {
			aead, keyErr := chacha20poly1305.New(k.Key)
			nonce := bytes.Clone(k.IV)
			binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^number)
			plaintext, err = open(aead, keyErr, nonce, body, number)
		} else {
			block, keyErr := aes.NewCipher(k.Key)
			if keyErr != nil {
				t.Fatal(keyErr)
			}
			aead, keyErr := cipher.NewGCM(block)
			plaintext, err = open(aead, keyErr, append(bytes.Clone(k.IV), body[:8]...), body[8:], number)
		}
		if err == nil {
			return string(plaintext)
		}
	}
	t.Error("its keys do not open it")
	return ""
}
