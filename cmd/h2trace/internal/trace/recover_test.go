package trace

import (
	"io"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/recover"
)

// TestRestingProbes removes the last connection that wants tables, after the probes were
// hit often. Older connections that are still silent need the probes, so they stay.
func TestRestingProbes(t *testing.T) {
	table := newTestTable(t, io.Discard)
	k := table.kernel.(*fakeKernel)
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: 1}, Role: bpf.RoleClient})
	do(t, table.send())
	const vain = 1 << 20
	k.hits = vain
	c := table.byID[1]
	table.recovery.leave(c)
	do(t, table.expire(0, true))
	if !table.recovery.probes.On() {
		t.Fatal("the probes went with the connection")
	}
	k.hits += vain // in vain
	do(t, table.expire(0, true))
	table.recovery.probes.wait()
	if table.recovery.probes.On() || k.on {
		t.Error("the probes are hit for nothing, and stay")
	}
}

// TestHeldAtOnce asks for the table after a loss. The decoder holds the bytes of the same
// record for the table, so the probes are attached by then.
func TestHeldAtOnce(t *testing.T) {
	table := newTestTable(t, io.Discard)
	table.recovery.probes.Probes = recover.Probes{}
	table.open(&bpf.Open{Head: bpf.Head{Conn: 1, PID: 9, Time: 1}, Role: bpf.RoleClient})
	if !table.recovery.probes.On() {
		t.Error("the probes are not on before the record is dealt with")
	}
	do(t, table.send())
	table.recovery.probes.wait()
}
