package e2e

import (
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// quicSize is how much a client of quicpeer sends, and gets back.
const quicSize = 100_000

// quicEvent is what the events of a connection of QUIC say.
type quicEvent struct {
	Local, Remote, Role, Protocol, Joined, Source, Reason string

	Version string `json:"quic_version"`
	TLS     *struct {
		Version, Cipher, SNI string

		ALPN            []string `json:"offered_alpn"`
		OfferedVersions []string `json:"offered_versions"`
	}
	Sent              uint64 `json:"bytes_sent"`
	Received          uint64 `json:"bytes_received"`
	DatagramsSent     uint64 `json:"datagrams_sent"`
	DatagramsReceived uint64 `json:"datagrams_received"`
}

// TestQUIC observes a client and a server of QUIC. Each connection has an open and a close
// event.
func TestQUIC(t *testing.T) {
	needProbes(t)
	peer := bin(t, "quicpeer")
	hosts := []string{"one.example", "two.example"}
	flags, env := []string{"--source", "auto"}, os.Environ()
	t.Run("client", func(t *testing.T) {
		server := exec.Command(peer, "serve")
		stdin, stdout := child.Start(t, server)
		defer stdin.Close()
		address := firstLine(t, stdout)
		r := startTracing(t, command{flags: flags, args: append([]string{peer, "ask", address}, hosts...), env: env}).wait()
		locals := strings.Fields(r.stdout)
		if r.status != 0 || len(locals) != len(hosts) || strings.Contains(r.stderr, "TLS handshake") {
			t.Fatalf("exit status %d, addresses %q\n%s", r.status, locals, indent(r.stderr))
		}
		checkQUIC(t, r.stream, "client", locals, address, hosts)
	})
	t.Run("server", func(t *testing.T) {
		tr := startTracing(t, command{flags: flags, args: []string{peer, "serve"}, env: env})
		address := tr.line()
		out := run(t, append([]string{peer, "ask", address}, hosts...), os.Environ())
		r := tr.wait()
		if r.status != 0 {
			t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
		}
		checkQUIC(t, r.stream, "server", strings.Fields(out), address, hosts)
	})
}

// checkQUIC compares the connections with the addresses that the client printed.
func checkQUIC(t *testing.T, s *contract.Stream, role string, clients []string, server string, hosts []string) {
	t.Helper()
	var conns []*contract.Conn
	for _, c := range s.Conns() {
		if c.Open != nil {
			conns = append(conns, c)
		}
	}
	if len(conns) != len(hosts) {
		t.Fatalf("got %d connections, want %d", len(conns), len(hosts))
	}
	for i, c := range conns {
		if c.Close == nil {
			t.Fatalf("%s has no close event", c.ID)
		}
		want := quicEvent{
			Local: clients[i], Remote: server, Role: role, Protocol: "quic", Joined: "start", Source: "wire",
			Reason: "not decrypted: QUIC is not opened", Version: "QUIC v1",
		}
		if role == "server" {
			want.Local, want.Remote = want.Remote, want.Local
		}
		open, last := quicEventOf(t, c.Open), quicEventOf(t, c.Close)
		for _, e := range []quicEvent{open, last} {
			tls := e.TLS
			if tls == nil || tls.SNI != hosts[i] || !cmp.Equal(tls.ALPN, []string{"h3", "echo"}) || !cmp.Equal(tls.OfferedVersions, []string{"TLS 1.3"}) {
				t.Errorf("%s: got tls %+v", c.ID, tls)
			}
		}
		if last.TLS.Version != "TLS 1.3" || !strings.HasPrefix(last.TLS.Cipher, "TLS_") {
			t.Errorf("%s: got tls %+v on close", c.ID, last.TLS)
		}
		if last.Sent < quicSize || last.Received < quicSize || last.DatagramsSent < quicSize/1500 || last.DatagramsReceived < quicSize/1500 {
			t.Errorf("%s: bytes and datagrams of %s", c.ID, c.Close.Raw)
		}
		open.TLS = nil
		if diff := cmp.Diff(want, open); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.ID, diff)
		}
	}
}

func quicEventOf(t *testing.T, e *contract.Event) (q quicEvent) {
	t.Helper()
	if err := json.Unmarshal([]byte(e.Raw), &q); err != nil {
		t.Fatal(err)
	}
	if _, err := netip.ParseAddrPort(q.Local); err != nil {
		t.Error(err)
	}
	return q
}
