package handshake

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"io"
	mathrand "math/rand/v2"
	"net"
	"sync"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

func newRand() *mathrand.Rand { return mathrand.New(mathrand.NewPCG(1, 2)) }

// firstHello returns the body of the first message of a client.
func firstHello(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		_ = tls.Client(client, c).Handshake() // the test ends it
		_ = client.Close()
	}()
	header := make([]byte, 5)
	if _, err := io.ReadFull(server, header); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(server, payload); err != nil {
		t.Fatal(err)
	}
	return one(t, payload, TypeClientHello)
}

// echConfigs returns an ECHConfigList (RFC 9849 §4) whose public name is
// outer.example.
func echConfigs(t testing.TB) []byte {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(extECH))
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint8(1)       // config_id
			b.AddUint16(0x0020) // DHKEM(X25519, HKDF-SHA256)
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(key.PublicKey().Bytes()) })
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint16(1) // HKDF-SHA256
				b.AddUint16(1) // AES-128-GCM
			})
			b.AddUint8(0) // maximum_name_length
			b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte("outer.example")) })
			b.AddUint16(0) // extensions
		})
	})
	return b.BytesOrPanic()
}

var hellosOnce struct {
	sync.Once
	bodies [][]byte
}

// clientHellos returns ClientHellos of crypto/tls with many configurations.
func clientHellos(t testing.TB) [][]byte {
	t.Helper()
	hellosOnce.Do(func() { hellosOnce.bodies = makeHellos(t) })
	return hellosOnce.bodies
}

func makeHellos(t testing.TB) (bodies [][]byte) {
	t.Helper()
	for _, name := range []string{"", "server.example", "192.0.2.1"} {
		for _, protocols := range [][]string{nil, {"h2"}, {"h2", "http/1.1", "acme-tls/1"}} {
			for _, versions := range [][2]uint16{{0, 0}, {0x0301, 0x0301}, {0x0301, 0x0304}, {0x0302, 0x0303}, {0x0304, 0x0304}} {
				for _, curves := range [][]tls.CurveID{nil, {tls.CurveP256}} {
					bodies = append(bodies, firstHello(t, &tls.Config{
						ServerName: name, InsecureSkipVerify: name == "", NextProtos: protocols,
						MinVersion: versions[0], MaxVersion: versions[1], CurvePreferences: curves,
						CipherSuites:           []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
						SessionTicketsDisabled: len(protocols) == 1,
					}))
				}
			}
		}
	}
	bodies = append(bodies, firstHello(t, &tls.Config{
		ServerName: "inner.example", MinVersion: tls.VersionTLS13, EncryptedClientHelloConfigList: echConfigs(t),
	}))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, server := configs(t)
		server.MaxVersion, client.ClientSessionCache = version, tls.NewLRUClientSessionCache(1)
		speak(t, client, server)
		bodies = append(bodies, firstHello(t, client))
	}
	for _, f := range quicFlights(t) {
		bodies = append(bodies, f.messages(t, TypeClientHello)...)
	}
	return append(bodies, handmade()...)
}

// handmade returns ClientHellos that crypto/tls does not send.
func handmade() (bodies [][]byte) {
	list := func(x extension, data ...byte) []byte {
		b := binary.BigEndian.AppendUint16(nil, uint16(x))
		return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
	}
	for _, extensions := range [][]byte{
		nil,
		list(extEncryptThenMAC),
		list(extEncryptThenMAC, 1, 2),
		list(extSupportedVersions, 8, 0x1a, 0x1a, 3, 4, 0x7f, 0x1c, 0x1a, 0x2a),
		list(extSupportedVersions, 2, 0x1a, 0x1a),
		list(extServerName, 0, 10, 7, 0, 1, 'x', 0, 0, 3, 'a', '.', 'b'),
		list(extALPN, 0, 6, 2, 0x0a, 0x0a, 2, 'h', '2'),
		append(list(0x0a0a), list(0x1a1a, 0)...),
	} {
		for _, legacy := range []uint16{0x0300, 0x0301, 0x0303, 0x0304, 0xffff} {
			h := binary.BigEndian.AppendUint16(nil, legacy)
			h = append(h, make([]byte, 32+1)...)           // random, legacy_session_id
			h = append(h, 0, 4, 0x0a, 0x0a, 0x13, 1, 1, 0) // cipher_suites, legacy_compression_methods
			if extensions != nil {
				h = binary.BigEndian.AppendUint16(h, uint16(len(extensions)))
			}
			bodies = append(bodies, append(h, extensions...))
		}
	}
	return bodies
}
