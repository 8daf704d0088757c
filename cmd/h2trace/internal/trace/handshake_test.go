//go:build linux

package trace

import (
	"crypto/tls"
	"io"
	"testing"

	"h2trace/bpf"
)

// TestResumed has the record of a handshake used again for the next one, as the Reader
// does.
func TestResumed(t *testing.T) {
	table := newTestTable(t, io.Discard)
	var h bpf.Handshake
	for conn, resumed := range []bool{false, true} {
		head := bpf.Head{Time: 1000, PID: 7, Conn: uint64(conn + 1)}
		table.open(&bpf.Open{Head: head, Role: bpf.RoleClient, Handshake: true})
		h.Head, h.Version, h.Resumed = head, 0x0303, resumed
		table.handshake(&h)
	}
	for conn, want := range []bool{false, true} {
		if got := *table.byID[uint64(conn+1)].event.TLS.Resumed; got != want {
			t.Errorf("connection %d: resumed is %v, want %v", conn+1, got, want)
		}
	}
}

// TestVerifyTime gives the same packets as those of a client, and as those of its server.
func TestVerifyTime(t *testing.T) {
	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	for _, role := range []bpf.Role{bpf.RoleClient, bpf.RoleServer} {
		table := newTestTable(t, io.Discard)
		openFetched(table, role)
		f.tell(table)
		for i := range f.segments {
			f.give(table, i)
			f.segments[i].Dir ^= 1 // for the next round
		}
		event := &table.byID[fetchedHead.Conn].event
		if event.TLS == nil || event.Handshake == nil || (event.TLS.Verify != nil) != (role == bpf.RoleClient) {
			t.Errorf("role %d: got %+v", role, event.TLS)
		} else if v := event.TLS.Verify; v != nil && (*v <= 0 || *v > *event.Handshake) {
			t.Errorf("got %s of %s", *v, *event.Handshake)
		}
	}
}
