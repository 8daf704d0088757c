package handshake

import (
	"bytes"
	"crypto/tls"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHandshakes compares what is parsed with what the peers say.
func TestHandshakes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		adapt  func(client, server *tls.Config)
		second bool // a handshake after another, with its ticket
		retry  bool // with a HelloRetryRequest
	}{
		{name: "plain"},
		{name: "ALPN", adapt: func(c, s *tls.Config) {
			c.NextProtos, s.NextProtos = []string{"h2", "http/1.1"}, []string{"http/1.1"}
		}},
		{name: "client certificate", adapt: func(c, s *tls.Config) {
			c.Certificates, s.ClientAuth = s.Certificates, tls.RequireAndVerifyClientCert
		}},
		{name: "client without certificate", adapt: func(_, s *tls.Config) { s.ClientAuth = tls.RequestClientCert }},
		{name: "resumption", second: true},
		{name: "retry", retry: true, adapt: func(_, s *tls.Config) { s.CurvePreferences = []tls.CurveID{tls.CurveP384} }},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+", "+tls.VersionName(version), func(t *testing.T) {
				client, server := configs(t)
				server.MaxVersion = version
				client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
				if tt.adapt != nil {
					tt.adapt(client, server)
				}
				if tt.second {
					speak(t, client, server)
				}
				s := speak(t, client, server)
				if s.clientState.DidResume != tt.second {
					t.Fatalf("resumed: %t", s.clientState.DidResume)
				}
				retries := 0
				if tt.retry && version == tls.VersionTLS13 {
					retries = 1
				}
				checkHellos(t, s, retries)
				if version == tls.VersionTLS12 {
					checkCertificates12(t, s)
				}
			})
		}
	}
}

// checkHellos compares the hellos with the states.
func checkHellos(t *testing.T, s spoken, retries int) {
	t.Helper()
	fromClient, fromServer := cleartext(t, s.client), cleartext(t, s.server)
	clients, servers := fromClient[TypeClientHello], fromServer[TypeServerHello]
	if len(clients) != 1+retries || len(servers) < 1 {
		t.Fatalf("%d ClientHello, %d ServerHello", len(clients), len(servers))
	}
	client := must[*ClientHello](t)(ParseClientHello(clients[retries]))
	server := must[*ServerHello](t)(ParseServerHello(servers[0]))
	for i, body := range clients {
		agree(t, body)
		if h := must[*ServerHello](t)(ParseServerHello(servers[min(i, len(servers)-1)])); i == 0 && h.IsHelloRetryRequest() != (retries > 0) {
			t.Errorf("HelloRetryRequest: %t, want %t", h.IsHelloRetryRequest(), retries > 0)
		}
	}

	state := s.clientState
	if client.SNI != s.serverState.ServerName {
		t.Errorf("SNI: got %q, want %q", client.SNI, s.serverState.ServerName)
	}
	if server.Version() != state.Version || server.CipherSuite != state.CipherSuite {
		t.Errorf("version %#x, cipher suite %#x, want %#x, %#x", server.Version(), server.CipherSuite, state.Version, state.CipherSuite)
	}
	if !slices.Contains(client.Versions, state.Version) || !slices.Contains(client.CipherSuites, state.CipherSuite) {
		t.Errorf("the client offers versions %#x, cipher suites %#x", client.Versions, client.CipherSuites)
	}
	if state.Version == tls.VersionTLS13 {
		if resumed := server.SelectedPSK != nil && *server.SelectedPSK == 0; resumed != state.DidResume || resumed != (client.PSKs == 1) {
			t.Errorf("selected PSK: %v of %d, resumed: %t", server.SelectedPSK, client.PSKs, state.DidResume)
		}
		if !bytes.Equal(server.SessionID, client.SessionID) { // compatibility mode echoes it
			t.Errorf("session ID: got %x, want %x", server.SessionID, client.SessionID)
		}
		return
	}
	if server.ALPN != state.NegotiatedProtocol || !server.ExtendedMasterSecret {
		t.Errorf("ALPN: got %q, want %q; extended master secret: %t", server.ALPN, state.NegotiatedProtocol, server.ExtendedMasterSecret)
	}
	echoed := len(server.SessionID) > 0 && bytes.Equal(server.SessionID, client.SessionID)
	if echoed != state.DidResume || len(client.SessionTicket) > 0 != state.DidResume {
		t.Errorf("session ID echoed: %t, ticket of %d bytes, resumed: %t", echoed, len(client.SessionTicket), state.DidResume)
	}
}

// checkCertificates12 compares the certificates of TLS 1.2 with those that the peers
// saw.
func checkCertificates12(t *testing.T, s spoken) {
	t.Helper()
	for _, side := range []struct {
		name  string
		b     []byte
		state tls.ConnectionState // of the peer
	}{
		{"client", s.client, s.serverState},
		{"server", s.server, s.clientState},
	} {
		bodies := cleartext(t, side.b)[TypeCertificate]
		if s.clientState.DidResume || len(bodies) == 0 {
			if len(bodies) > 0 || !s.clientState.DidResume && len(side.state.PeerCertificates) > 0 {
				t.Errorf("%s: %d Certificate messages", side.name, len(bodies))
			}
			continue
		}
		leaf := must[[]byte](t)(ParseCertificate12(bodies[0]))
		checkLeaf(t, side.name, leaf, side.state)
	}
}

// checkLeaf compares a leaf with the one that the peer saw.
func checkLeaf(t *testing.T, name string, leaf []byte, state tls.ConnectionState) {
	t.Helper()
	if len(state.PeerCertificates) == 0 {
		if leaf != nil {
			t.Errorf("%s: the peer saw no certificate, got %x", name, leaf)
		}
		return
	}
	if want := state.PeerCertificates[0]; !bytes.Equal(leaf, want.Raw) {
		t.Errorf("%s: leaf: got %x, want %x", name, leaf, want.Raw)
	} else if diff := cmp.Diff(namesOf(want), must[Names](t)(ParseNames(leaf))); diff != "" {
		t.Errorf("%s: -want +got:\n%s", name, diff)
	}
}

// TestTicket12 demands that a client offers the ticket that the server issued.
func TestTicket12(t *testing.T) {
	client, server := configs(t)
	server.MaxVersion, client.ClientSessionCache = tls.VersionTLS12, tls.NewLRUClientSessionCache(1)
	issued := cleartext(t, speak(t, client, server).server)[TypeNewSessionTicket]
	if len(issued) != 1 {
		t.Fatalf("%d tickets", len(issued))
	}
	want := must[[]byte](t)(ParseNewSessionTicket12(issued[0]))
	got := must[*ClientHello](t)(ParseClientHello(firstHello(t, client))).SessionTicket
	if len(want) == 0 || !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}
