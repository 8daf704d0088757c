package trace

import (
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
