package record

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
)

// sizes are of the writes of both endpoints: of one record each.
var sizes = []int{1, 2, 15, 16, 17, 100, 1399, 1400, 4096, MaxPlaintext - 1, MaxPlaintext}

// conversation is what an observer of two crypto/tls endpoints has.
type conversation struct {
	client, server *bytes.Buffer     // what each sent
	secrets        map[string][]byte // by label of the key log
	random         []byte            // of the client
	suite          uint16
}

// converse lets crypto/tls endpoints talk: the client and the server write a
// record of each size in turn, then both close.
func converse(t *testing.T, config *tls.Config) *conversation {
	t.Helper()
	c := &conversation{client: new(bytes.Buffer), server: new(bytes.Buffer)}
	var log bytes.Buffer
	config.KeyLogWriter = &log
	config.DynamicRecordSizingDisabled = true
	clientEnd, serverEnd := loopback(t)
	client := tls.Client(tap{clientEnd, c.client}, config)
	serverConfig := config.Clone()
	serverConfig.KeyLogWriter = nil
	server := tls.Server(tap{serverEnd, c.server}, serverConfig)

	done := make(chan error, 1)
	go func() {
		done <- talk(server, 128, false)
		serverEnd.Close()
	}()
	if err := talk(client, 0, true); err != nil {
		t.Fatalf("client: %v", err)
	}
	if err := <-done; err != nil {
		t.Fatalf("server: %v", err)
	}
	c.suite = client.ConnectionState().CipherSuite
	c.readLog(t, log.String())
	return c
}

// talk is the part of one endpoint. Its write n has the pattern seed+n.
func talk(conn *tls.Conn, seed int, first bool) error {
	buffer := make([]byte, MaxPlaintext)
	for i, size := range sizes {
		write := func() error {
			_, err := conn.Write(pattern(size, byte(i+seed)))
			return err
		}
		read := func() error {
			_, err := io.ReadFull(conn, buffer[:size])
			return err
		}
		steps := []func() error{read, write}
		if first {
			steps = []func() error{write, read}
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn)
	return err
}

// readLog reads the lines that a KeyLogWriter got.
func (c *conversation) readLog(t *testing.T, log string) {
	t.Helper()
	c.secrets = make(map[string][]byte)
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		c.random, c.secrets[fields[0]] = unhex(t, fields[1]), unhex(t, fields[2])
	}
}

// loopback returns both ends of a connection. It holds what neither end reads,
// which net.Pipe does not.
func loopback(t *testing.T) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

// tap keeps what is written to a connection.
type tap struct {
	net.Conn
	sent *bytes.Buffer
}

func (t tap) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	t.sent.Write(b[:n])
	return n, err
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// records parts a stream into records.
func records(t *testing.T, stream []byte) [][]byte {
	t.Helper()
	var all [][]byte
	for len(stream) > 0 {
		end := HeaderSize + int(stream[3])<<8 + int(stream[4])
		all = append(all, stream[:end])
		stream = stream[end:]
	}
	return all
}

// readers returns what opens the records of one direction, in order of use.
func (c *conversation) readers(t *testing.T, fromClient bool) []*Reader {
	t.Helper()
	suite, ok := SuiteByID(c.suite)
	if !ok {
		t.Fatalf("suite %v is unknown", suite)
	}
	if suite.Version() == TLS12 {
		hello := records(t, c.server.Bytes())[0]
		random := hello[HeaderSize+4+2:][:randomSize]
		client, server, err := NewTLS12(suite, c.secrets["CLIENT_RANDOM"], c.random, random)
		if err != nil {
			t.Fatal(err)
		}
		if fromClient {
			return []*Reader{client}
		}
		return []*Reader{server}
	}
	labels := []string{"SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}
	if fromClient {
		labels = []string{"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"}
	}
	var readers []*Reader
	for _, label := range labels {
		r, err := NewTLS13(suite, c.secrets[label])
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	return readers
}

// certificates has one of each kind of key, made once.
var certificates = sync.OnceValue(func() []tls.Certificate {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	rsaDER, err := x509.CreateCertificate(rand.Reader, template, template, rsaKey.Public(), rsaKey)
	if err != nil {
		panic(err)
	}
	ecdsaDER, err := x509.CreateCertificate(rand.Reader, template, template, ecdsaKey.Public(), ecdsaKey)
	if err != nil {
		panic(err)
	}
	return []tls.Certificate{
		{Certificate: [][]byte{rsaDER}, PrivateKey: rsaKey},
		{Certificate: [][]byte{ecdsaDER}, PrivateKey: ecdsaKey},
	}
})

func config(version uint16, suites ...uint16) *tls.Config {
	return &tls.Config{
		Certificates: certificates(), InsecureSkipVerify: true,
		MinVersion: version, MaxVersion: version, CipherSuites: suites,
	}
}
