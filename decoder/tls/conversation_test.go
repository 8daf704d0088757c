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
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"h2trace/decoder"
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
	checked  int // segments before the client checked the certificate
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

func (t *tap) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.segments)
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
	client.VerifyConnection = func(gotls.ConnectionState) error {
		conv.checked = tapped.count()
		return nil
	}
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
