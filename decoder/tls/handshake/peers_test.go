package handshake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// identity is a certificate, and the authority that made it.
type identity struct {
	cert tls.Certificate
	pool *x509.CertPool
}

var identityOnce = sync.OnceValues(makeIdentity)

// newIdentity returns the identity of server.example.
func newIdentity(t testing.TB) identity {
	t.Helper()
	id, err := identityOnce()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func makeIdentity() (identity, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		Subject: pkix.Name{
			CommonName: "Größe CA", Organization: []string{"Example, Inc.", "#1 Proxy "}, Country: []string{"DE"},
			ExtraNames: []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}, Value: "example"},
				{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "ca@server.example"},
			},
		},
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour),
		Subject:  pkix.Name{CommonName: "server.example", OrganizationalUnit: []string{"a+b"}},
		DNSNames: []string{"server.example", "*.server.example"}, EmailAddresses: []string{"a@server.example"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return identity{}, err
	}
	if ca, err = x509.ParseCertificate(caDER); err != nil {
		return identity{}, err
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return identity{}, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return identity{tls.Certificate{Certificate: [][]byte{leafDER, caDER}, PrivateKey: key}, pool}, nil
}

// configs returns the configurations of a client and a server that trust each other.
func configs(t testing.TB) (client, server *tls.Config) {
	t.Helper()
	id := newIdentity(t)
	return &tls.Config{RootCAs: id.pool, ServerName: "server.example"},
		&tls.Config{ClientCAs: id.pool, Certificates: []tls.Certificate{id.cert}}
}

// recorded is a connection that keeps what is written to it.
type recorded struct {
	net.Conn
	b []byte
}

func (r *recorded) Write(b []byte) (int, error) {
	r.b = append(r.b, b...)
	return r.Conn.Write(b)
}

// spoken is what the peers of a connection wrote, and what they say about it.
type spoken struct {
	client, server           []byte
	clientState, serverState tls.ConnectionState
}

// speak lets crypto/tls speak with itself, over loopback.
func speak(t testing.TB, client, server *tls.Config) spoken {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	clientConn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer clientConn.Close()
	serverConn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	clientEnd, serverEnd := &recorded{Conn: clientConn}, &recorded{Conn: serverConn}
	c, s := tls.Client(clientEnd, client), tls.Server(serverEnd, server)
	done := make(chan error, 1)
	go func() {
		_, err := s.Write([]byte("x")) // after the handshake
		_ = serverConn.Close()
		done <- err
	}()
	_, err = io.ReadFull(c, make([]byte, 1)) // tickets come before it
	if serverErr := <-done; err != nil || serverErr != nil {
		t.Fatalf("client: %v, server: %v", err, serverErr)
	}
	return spoken{clientEnd.b, serverEnd.b, c.ConnectionState(), s.ConnectionState()}
}

// cleartext returns the messages of a direction before it is encrypted, by their type
// and in order.
func cleartext(t testing.TB, b []byte) map[MessageType][][]byte {
	t.Helper()
	const changeCipherSpec, handshake = 20, 22
	found := make(map[MessageType][][]byte)
	var a Assembler
	encrypted := false
	for len(b) > 0 {
		payload := b[5 : 5+binary.BigEndian.Uint16(b[3:])]
		switch kind := b[0]; {
		case kind == changeCipherSpec:
			encrypted = true
		case kind == handshake && (!encrypted || payload[0] == byte(TypeClientHello)): // a second ClientHello
			a.Take(payload)
			for m, ok := a.Next(); ok; m, ok = a.Next() {
				found[m.Type] = append(found[m.Type], append([]byte{}, m.Body...))
			}
		}
		b = b[5+len(payload):]
	}
	if a.Pending() {
		t.Fatal("a message is incomplete")
	}
	return found
}
