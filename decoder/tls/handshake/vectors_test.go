package handshake

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The messages of RFC 8448 §3, with their headers.
const (
	vectorClientHello = `
		01 00 00 c0 03 03 cb 34 ec b1 e7 81 63 ba 1c 38 c6 da cb 19 6a 6d ff a2 1a 8d 99 12 ec 18 a2 ef
		62 83 02 4d ec e7 00 00 06 13 01 13 03 13 02 01 00 00 91 00 00 00 0b 00 09 00 00 06 73 65 72 76
		65 72 ff 01 00 01 00 00 0a 00 14 00 12 00 1d 00 17 00 18 00 19 01 00 01 01 01 02 01 03 01 04 00
		23 00 00 00 33 00 26 00 24 00 1d 00 20 99 38 1d e5 60 e4 bd 43 d2 3d 8e 43 5a 7d ba fe b3 c0 6e
		51 c1 3c ae 4d 54 13 69 1e 52 9a af 2c 00 2b 00 03 02 03 04 00 0d 00 20 00 1e 04 03 05 03 06 03
		02 03 08 04 08 05 08 06 04 01 05 01 06 01 02 01 04 02 05 02 06 02 02 02 00 2d 00 02 01 01 00 1c
		00 02 40 01`
	vectorServerHello = `
		02 00 00 56 03 03 a6 af 06 a4 12 18 60 dc 5e 6e 60 24 9c d3 4c 95 93 0c 8a c5 cb 14 34 da c1 55
		77 2e d3 e2 69 28 00 13 01 00 00 2e 00 33 00 24 00 1d 00 20 c9 82 88 76 11 20 95 fe 66 76 2b db
		f7 c6 72 e1 56 d6 cc 25 3b 83 3d f1 dd 69 b1 b0 4e 75 1f 0f 00 2b 00 02 03 04`
	vectorEncryptedExtensions = `
		08 00 00 24 00 22 00 0a 00 14 00 12 00 1d 00 17 00 18 00 19 01 00 01 01 01 02 01 03 01 04 00 1c
		00 02 40 01 00 00 00 00`
	vectorCertificate = `
		0b 00 01 b9 00 00 01 b5 00 01 b0 30 82 01 ac 30 82 01 15 a0 03 02 01 02 02 01 02 30 0d 06 09 2a
		86 48 86 f7 0d 01 01 0b 05 00 30 0e 31 0c 30 0a 06 03 55 04 03 13 03 72 73 61 30 1e 17 0d 31 36
		30 37 33 30 30 31 32 33 35 39 5a 17 0d 32 36 30 37 33 30 30 31 32 33 35 39 5a 30 0e 31 0c 30 0a
		06 03 55 04 03 13 03 72 73 61 30 81 9f 30 0d 06 09 2a 86 48 86 f7 0d 01 01 01 05 00 03 81 8d 00
		30 81 89 02 81 81 00 b4 bb 49 8f 82 79 30 3d 98 08 36 39 9b 36 c6 98 8c 0c 68 de 55 e1 bd b8 26
		d3 90 1a 24 61 ea fd 2d e4 9a 91 d0 15 ab bc 9a 95 13 7a ce 6c 1a f1 9e aa 6a f9 8c 7c ed 43 12
		09 98 e1 87 a8 0e e0 cc b0 52 4b 1b 01 8c 3e 0b 63 26 4d 44 9a 6d 38 e2 2a 5f da 43 08 46 74 80
		30 53 0e f0 46 1c 8c a9 d9 ef bf ae 8e a6 d1 d0 3e 2b d1 93 ef f0 ab 9a 80 02 c4 74 28 a6 d3 5a
		8d 88 d7 9f 7f 1e 3f 02 03 01 00 01 a3 1a 30 18 30 09 06 03 55 1d 13 04 02 30 00 30 0b 06 03 55
		1d 0f 04 04 03 02 05 a0 30 0d 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00 03 81 81 00 85 aa d2 a0 e5
		b9 27 6b 90 8c 65 f7 3a 72 67 17 06 18 a5 4c 5f 8a 7b 33 7d 2d f7 a5 94 36 54 17 f2 ea e8 f8 a5
		8c 8f 81 72 f9 31 9c f3 6b 7f d6 c5 5b 80 f2 1a 03 01 51 56 72 60 96 fd 33 5e 5e 67 f2 db f1 02
		70 2e 60 8c ca e6 be c1 fc 63 a4 2a 99 be 5c 3e b7 10 7c 3c 54 e9 b9 eb 2b d5 20 3b 1c 3b 84 e0
		a8 b2 f7 59 40 9b a3 ea c9 d9 1d 40 2d cc 0c c8 f8 96 12 29 ac 91 87 b4 2b 4d e1 00 00`
)

// dehex decodes hexadecimal digits with white space.
func dehex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// one returns the only message of its bytes.
func one(t testing.TB, b []byte, want MessageType) []byte {
	t.Helper()
	var a Assembler
	a.Take(b)
	m, ok := a.Next()
	if !ok || m.Type != want || a.Pending() {
		t.Fatalf("%v %t, pending: %t, want one %v", m.Type, ok, a.Pending(), want)
	}
	return m.Body
}

// must demands that a parser succeeds.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestVectorHellos(t *testing.T) {
	client := must[*ClientHello](t)(ParseClientHello(one(t, dehex(t, vectorClientHello), TypeClientHello)))
	wantClient := &ClientHello{
		LegacyVersion: 0x0303,
		CipherSuites:  []uint16{0x1301, 0x1303, 0x1302},
		SNI:           "server",
		Versions:      []uint16{0x0304},
		SessionID:     []byte{},
	}
	copy(wantClient.Random[:], dehex(t, "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7"))
	if diff := cmp.Diff(wantClient, client); diff != "" {
		t.Errorf("ClientHello, -want +got:\n%s", diff)
	}

	server := must[*ServerHello](t)(ParseServerHello(one(t, dehex(t, vectorServerHello), TypeServerHello)))
	wantServer := &ServerHello{
		LegacyVersion: 0x0303, CipherSuite: 0x1301, SupportedVersion: 0x0304, SessionID: []byte{},
	}
	copy(wantServer.Random[:], dehex(t, "a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e26928"))
	if diff := cmp.Diff(wantServer, server); diff != "" {
		t.Errorf("ServerHello, -want +got:\n%s", diff)
	}
	if server.Version() != 0x0304 || server.IsHelloRetryRequest() {
		t.Errorf("version %#x, HelloRetryRequest: %t", server.Version(), server.IsHelloRetryRequest())
	}
}

func TestVectorServerFlight(t *testing.T) {
	b := append(dehex(t, vectorEncryptedExtensions), dehex(t, vectorCertificate)...)
	var a Assembler
	a.Take(b)
	m, _ := a.Next()
	extensions := must[*EncryptedExtensions](t)(ParseEncryptedExtensions(m.Body))
	if diff := cmp.Diff(&EncryptedExtensions{}, extensions); diff != "" || m.Type != TypeEncryptedExtensions {
		t.Errorf("%v, -want +got:\n%s", m.Type, diff)
	}
	m, _ = a.Next()
	leaf := must[[]byte](t)(ParseCertificate13(m.Body))
	want := Names{
		Issuer: "CN=rsa", Subject: "CN=rsa",
		NotBefore: time.Date(2016, 7, 30, 1, 23, 59, 0, time.UTC),
		NotAfter:  time.Date(2026, 7, 30, 1, 23, 59, 0, time.UTC),
	}
	if diff := cmp.Diff(want, must[Names](t)(ParseNames(leaf))); diff != "" || m.Type != TypeCertificate {
		t.Errorf("%v, -want +got:\n%s", m.Type, diff)
	}
}
