//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/decoder/ktime"
)

// innermostError is an error in the way in which a handshake returns it.
func innermostError(kind plan.ErrorKind) *bpf.HandshakeError {
	return &bpf.HandshakeError{Kinds: []plan.ErrorKind{plan.ErrorPermanent, kind}}
}

// TestFailureOrder has the process report its error before and after each packet, and
// after the end of the connection. What is printed is the same, once.
func TestFailureOrder(t *testing.T) {
	p := newParties(t)
	reset := innermostError(plan.ErrorErrno)
	reset.Data[0] = 104
	const unknownAuthority = "certificate signed by unknown authority"
	for _, tt := range []struct {
		name     string
		of       *shaken
		segments int
		exits    bool
		why      *bpf.HandshakeError
		want     string
	}{
		{"certificate, at the client", shake(t, bpf.RoleClient, p.client, p.server), never, false, innermostError(plan.ErrorUnknownAuthority), unknownAuthority},
		{"certificate, TLS 1.2", shake(t, bpf.RoleClient, p.client, p.old), never, false, innermostError(plan.ErrorUnknownAuthority), unknownAuthority},
		{"certificate, and an exit", shake(t, bpf.RoleClient, p.client, p.server), never, true, innermostError(plan.ErrorUnknownAuthority), unknownAuthority},
		{"certificate of the client, at the server", shake(t, bpf.RoleServer, p.trusting, p.strict), never, false, innermostError(plan.ErrorUnknownAuthority), unknownAuthority},
		{"type not known, and an alert", shake(t, bpf.RoleClient, p.client, p.server), never, false, innermostError(plan.ErrorUnknown), "alert to the peer: bad_certificate"},
		{"broken socket, and an alert of the peer", shake(t, bpf.RoleServer, p.client, p.server), never, false, reset, "alert from the peer: bad_certificate"},
		{"broken socket", shake(t, bpf.RoleClient, p.client, p.server), 1, false, reset, "ECONNRESET (connection reset by peer)"},
		{"timed out", shake(t, bpf.RoleClient, p.client, p.server), 1, false, innermostError(plan.ErrorDeadline), "timed out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			segments := min(tt.segments, len(tt.of.segments))
			for after := 1; after <= segments+1; after++ {
				got := reasonsIn(t, tt.of.endedWith(t, segments, tt.exits, tt.why, after))
				if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
					t.Errorf("error after %d of %d segments: %s", after, segments, diff)
				}
			}
		})
	}
}

// TestFailureOfEstablished has a client report that a handshake failed after its own had
// succeeded: that was one inside of the connection, of which nothing is seen.
func TestFailureOfEstablished(t *testing.T) {
	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	of := &shaken{bpf.RoleClient, *f}
	if got := reasonsIn(t, exceptGets(of.endedWith(t, never, false, innermostError(plan.ErrorUnknownAuthority), len(f.segments)))); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

// exceptGets returns the events that are no exchanges.
func exceptGets(events []string) []string {
	return slices.DeleteFunc(events, func(words string) bool { return len(words) > 3 && words[:3] == "GET" })
}

// TestFailureWaits prints the alert of a process that does not close its connection, and
// whose error does not come in time.
func TestFailureWaits(t *testing.T) {
	p := newParties(t)
	s := shake(t, bpf.RoleClient, p.client, p.server)
	var out bytes.Buffer
	table := newTestTable(t, &out)
	head := bpf.Head{Time: 1000, PID: 7, Conn: 1<<62 | 5}
	table.open(&bpf.Open{Head: head, Wire: bpf.WireTLS, Role: bpf.RoleClient, Handshake: true})
	for _, secret := range s.secrets {
		secret.Secret = bytes.Clone(secret.Secret)
		table.secret(&secret)
	}
	for i, segment := range s.segments {
		segment.Head = head
		segment.Time = ktime.Time(2000 + i)
		table.segment(&segment)
	}
	expire := func(now ktime.Time, want int) {
		t.Helper()
		if err := table.expire(now, true); err != nil {
			t.Fatal(err)
		}
		if got := len(table.ciphers.failing); got != want {
			t.Errorf("%d connections wait, want %d", got, want)
		}
	}
	first := table.byID[head.Conn].wire.tls.failure.at
	expire(first.Add(failureWait), 1)
	expire(first.Add(failureWait)+1, 0)
	table.handshakeFailed(&bpf.HandshakeFailed{Head: head, Conns: [2]uint64{head.Conn, 1<<63 | 5}, Error: innermostError(plan.ErrorUnknownAuthority)})
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if err := table.events.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"alert to the peer: bad_certificate"}, reasonsIn(t, inWords(t, &out))); diff != "" {
		t.Error(diff)
	}
}
