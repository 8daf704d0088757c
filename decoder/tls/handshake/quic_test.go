package handshake

import (
	"context"
	"crypto/tls"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// flight is what both sides of a QUIC handshake sent, in cleartext: crypto/tls leaves
// the records to QUIC (RFC 9001 §4). So its messages of TLS 1.3 need no keys.
type flight struct {
	client, server []byte
	state          tls.ConnectionState // of the client
}

// messages returns the bodies of a type, of both sides.
func (f flight) messages(t testing.TB, want MessageType) (bodies [][]byte) {
	t.Helper()
	for _, b := range [][]byte{f.client, f.server} {
		var a Assembler
		a.Take(b)
		for m, ok := a.Next(); ok; m, ok = a.Next() {
			if m.Type == want {
				bodies = append(bodies, m.Body)
			}
		}
		if a.Pending() {
			t.Fatal("a message is incomplete")
		}
	}
	return bodies
}

// quicFlights returns two handshakes: the second one resumes the first, with early data.
func quicFlights(t testing.TB) (flights []flight) {
	t.Helper()
	client, server := configs(t)
	client.MinVersion, server.MinVersion = tls.VersionTLS13, tls.VersionTLS13
	client.NextProtos, server.NextProtos = []string{"h3", "hq"}, []string{"hq"}
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 2 {
		c := tls.QUICClient(&tls.QUICConfig{TLSConfig: client})
		s := tls.QUICServer(&tls.QUICConfig{TLSConfig: server})
		c.SetTransportParameters([]byte("client"))
		s.SetTransportParameters([]byte("server"))
		for _, err := range []error{c.Start(context.Background()), s.Start(context.Background())} {
			if err != nil {
				t.Fatal(err)
			}
		}
		var f flight
		for pass := true; pass; {
			fromClient, fromServer := drain(t, c, s), drain(t, s, c)
			f.client, f.server = append(f.client, fromClient...), append(f.server, fromServer...)
			pass = len(fromClient)+len(fromServer) > 0
		}
		f.state = c.ConnectionState()
		if !f.state.HandshakeComplete {
			t.Fatal("the handshake is incomplete")
		}
		flights = append(flights, f)
		_, _ = c.Close(), s.Close()
	}
	return flights
}

// drain gives what one side sends to the other, and returns it.
func drain(t testing.TB, from, to *tls.QUICConn) (sent []byte) {
	t.Helper()
	for {
		switch e := from.NextEvent(); e.Kind {
		case tls.QUICNoEvent:
			return sent
		case tls.QUICWriteData:
			sent = append(sent, e.Data...)
			if err := to.HandleData(e.Level, e.Data); err != nil {
				t.Fatal(err)
			}
		case tls.QUICHandshakeDone:
			if from.ConnectionState().ServerName != "" && len(from.ConnectionState().PeerCertificates) == 0 {
				if err := from.SendSessionTicket(tls.QUICSessionTicketOptions{EarlyData: true}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestServerFlight compares messages that TLS 1.3 encrypts with what the client says.
func TestServerFlight(t *testing.T) {
	for i, f := range quicFlights(t) {
		resumed := i == 1
		hello := must[*ClientHello](t)(ParseClientHello(f.messages(t, TypeClientHello)[0]))
		if !hello.QUIC || hello.EarlyData != resumed || hello.PSKs != i {
			t.Errorf("QUIC: %t, early data: %t, %d PSKs", hello.QUIC, hello.EarlyData, hello.PSKs)
		}
		got := must[*EncryptedExtensions](t)(ParseEncryptedExtensions(f.messages(t, TypeEncryptedExtensions)[0]))
		want := &EncryptedExtensions{ALPN: f.state.NegotiatedProtocol, EarlyData: resumed}
		if diff := cmp.Diff(want, got); diff != "" || got.ALPN != "hq" {
			t.Errorf("EncryptedExtensions, -want +got:\n%s", diff)
		}
		if f.state.DidResume != resumed {
			t.Errorf("resumed: %t, want %t", f.state.DidResume, resumed)
		}
		certificates := f.messages(t, TypeCertificate)
		if resumed {
			if len(certificates) > 0 {
				t.Error("a certificate in a resumption")
			}
			continue
		}
		checkLeaf(t, "server", must[[]byte](t)(ParseCertificate13(certificates[0])), f.state)
	}
}
