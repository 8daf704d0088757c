//go:build linux

package bpf

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"h2trace/bpf/plan"
)

// shakeHands opens a connection and returns the connection state of each side.
func shakeHands(t *testing.T, client, server *tls.Config) (states [2]tls.ConnectionState, errs [2]error) {
	t.Helper()
	raw, accepted := connectedTo(t, "127.0.0.1:0")
	s, c := tls.Server(accepted, server), tls.Client(raw, client)
	done := make(chan error, 1)
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- err
	}()
	errs[0] = c.Handshake()
	if errs[0] == nil { // a session ticket comes before the first data
		_, errs[0] = io.ReadFull(c, make([]byte, 1))
	} else {
		_ = raw.Close() // this ends the handshake of the server
	}
	errs[1] = <-done
	states = [2]tls.ConnectionState{c.ConnectionState(), s.ConnectionState()}
	_ = errors.Join(c.Close(), s.Close()) // of a connection that may have failed
	return states, errs
}

// byRole returns the handshakes of clients and of servers.
func (got *capture) byRole(t *testing.T) (client, server []Handshake) {
	t.Helper()
	ids := make([]uint64, 0, len(got.handshakes))
	for id := range got.handshakes {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uint64) int { return cmp.Compare(got.handshakes[a].Start, got.handshakes[b].Start) })
	for _, id := range ids {
		switch got.opens[id].Role {
		case RoleClient:
			client = append(client, got.handshakes[id])
		case RoleServer:
			server = append(server, got.handshakes[id])
		}
	}
	return client, server
}

// failed returns why the handshake failed at the client and at the server. Each of them
// reported it once.
func (got *capture) failed(t *testing.T, wire bool) (errs [2]*HandshakeError) {
	t.Helper()
	if !wire {
		client, server := got.byRole(t)
		if len(client) != 1 || len(server) != 1 || len(got.failures) > 0 {
			t.Fatalf("got %d handshakes of clients, %d of servers, %d others, want 1, 1 and 0", len(client), len(server), len(got.failures))
		}
		return [2]*HandshakeError{client[0].Error, server[0].Error}
	}
	if len(got.failures) != 2 || len(got.handshakes) > 0 {
		t.Fatalf("got %d failures and %d handshakes, want 2 and 0", len(got.failures), len(got.handshakes))
	}
	for conn, list := range got.failures {
		if len(list) != 1 {
			t.Errorf("connection %x failed %d times", conn, len(list))
		}
		switch got.opens[conn].Role {
		case RoleClient:
			errs[0] = list[0].Error
		case RoleServer:
			errs[1] = list[0].Error
		}
	}
	return errs
}

// TestHandshake compares the values from the memory of connections with their own
// ConnectionState.
func TestHandshake(t *testing.T) {
	_, base := listen(t)
	cert := certificateOf(t)
	for _, tt := range []struct {
		name   string
		config func(*tls.Config)
	}{
		{"TLS 1.3", func(*tls.Config) {}},
		{"TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
		{"without ALPN", func(c *tls.Config) { c.NextProtos = nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20})
			config := base.Clone()
			config.NextProtos = []string{"h2", "http/1.1"}
			config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			tt.config(config)
			server := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}}
			var want [2][2]tls.ConnectionState
			got := observe(t, c, func() {
				for i := range want {
					var errs [2]error
					if want[i], errs = shakeHands(t, config, server); errs != [2]error{} {
						t.Fatal(errs)
					}
				}
			})
			if !want[1][0].DidResume {
				t.Fatal("the second connection did not resume the session")
			}
			client, serving := got.byRole(t)
			if len(client) != 2 || len(serving) != 2 {
				t.Fatalf("got %d handshakes of clients, %d of servers, want 2 of each", len(client), len(serving))
			}
			for i := range want {
				for side, h := range []Handshake{client[i], serving[i]} {
					w := want[i][side]
					if h.Version != w.Version || h.Cipher != w.CipherSuite || h.ALPN != w.NegotiatedProtocol ||
						h.SNI != "example.com" || h.Resumed != w.DidResume || h.Error != nil {
						t.Errorf("connection %d side %d: got %+v, want %+v", i, side, h, w)
					}
				}
			}
			checkLedger(t, c, got)
		})
	}
}

// TestHandshakeFails makes handshakes fail in several ways.
func TestHandshakeFails(t *testing.T) { testHandshakeFails(t, false) }

// TestHandshakeFailsByPackets does so with Options.Wire.
func TestHandshakeFailsByPackets(t *testing.T) { testHandshakeFails(t, true) }

func testHandshakeFails(t *testing.T, wire bool) {
	_, base := listen(t)
	cert := certificateOf(t)
	for _, tt := range []struct {
		name           string
		client, server func(*tls.Config)
		want           [2]plan.ErrorKind // the innermost
		data           [2]uint64         // where it matters
	}{
		{
			name:   "unknown authority",
			client: func(c *tls.Config) { c.RootCAs = x509.NewCertPool() },
			want:   [2]plan.ErrorKind{plan.ErrorUnknownAuthority, plan.ErrorAlert}, data: [2]uint64{0, 42},
		},
		{
			name:   "another name",
			client: func(c *tls.Config) { c.ServerName = "goproxy.example" },
			want:   [2]plan.ErrorKind{plan.ErrorHostname, plan.ErrorAlert}, data: [2]uint64{0, 42},
		},
		{
			name:   "expired",
			client: func(c *tls.Config) { c.Time = func() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) } },
			want:   [2]plan.ErrorKind{plan.ErrorInvalid, plan.ErrorAlert}, data: [2]uint64{0, 42},
		},
		{
			name:   "no common protocol",
			client: func(c *tls.Config) { c.NextProtos = []string{"h2"} },
			server: func(c *tls.Config) { c.NextProtos = []string{"http/1.0"} },
			want:   [2]plan.ErrorKind{plan.ErrorAlert, plan.ErrorWrap}, data: [2]uint64{120, 0},
		},
		{
			name:   "no common version",
			client: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			server: func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 },
			want:   [2]plan.ErrorKind{plan.ErrorAlert, plan.ErrorWrap}, data: [2]uint64{70, 0},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20, Wire: wire})
			client, server := base.Clone(), &tls.Config{Certificates: []tls.Certificate{cert}}
			tt.client(client)
			if tt.server != nil {
				tt.server(server)
			}
			var errs [2]error
			got := observe(t, c, func() { _, errs = shakeHands(t, client, server) })
			for side, e := range got.failed(t, wire) {
				checkError(t, side, e, errs[side], tt.want[side], tt.data[side])
			}
			checkLedger(t, c, got)
		})
	}
}

// checkError compares why a handshake failed with the error that the process got.
func checkError(t *testing.T, side int, e *HandshakeError, err error, want plan.ErrorKind, data uint64) {
	t.Helper()
	if e == nil || len(e.Kinds) == 0 {
		t.Fatalf("side %d: got %+v, want %v", side, e, err)
	}
	kind := e.Kinds[len(e.Kinds)-1]
	wrapped := kind == plan.ErrorString && want == plan.ErrorWrap // releases differ
	if kind != want && !wrapped {
		t.Errorf("side %d: got %+v, want %d of %v", side, e, want, err)
	}
	if kind == plan.ErrorAlert && e.Data[0]&0xff != data {
		t.Errorf("side %d: got alert %d, want %d of %v", side, e.Data[0]&0xff, data, err)
	}
	if (kind == plan.ErrorString || kind == plan.ErrorWrap) && e.Text != err.Error() {
		t.Errorf("side %d: got %q, want %q", side, e.Text, err)
	}
}

// TestHandshakeSucceeds has no probe report handshakes that succeed, with Options.Wire.
func TestHandshakeSucceeds(t *testing.T) {
	_, client := listen(t)
	server := &tls.Config{Certificates: []tls.Certificate{certificateOf(t)}}
	c := newCollector(t, Options{BufferSize: 1 << 20, Wire: true})
	got := observe(t, c, func() {
		if _, errs := shakeHands(t, client, server); errs != [2]error{} {
			t.Fatal(errs)
		}
	})
	if len(got.failures) > 0 || len(got.handshakes) > 0 {
		t.Errorf("got %+v and %+v", got.failures, got.handshakes)
	}
	checkLedger(t, c, got)
}
