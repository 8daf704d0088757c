//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"io"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"h2trace/bpf"
	"h2trace/cmd/h2trace/internal/trace/recover"
	"h2trace/decoder"
	tlsdecoder "h2trace/decoder/tls"
	"h2trace/decoder/tls/record"
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

// lacking returns the kernel's ids of the connections that tables or windows are copied
// for.
func lacking(table *connTable) []uint64 { return slices.Sorted(maps.Keys(table.recovery.conns)) }

// TestTunnelLacksNothing has connections from before that turn out to carry another one, or
// HTTP/1.1: no HTTP/2 is in them, also after a loss.
func TestTunnelLacksNothing(t *testing.T) {
	at := bpf.Open{Local: netip.MustParseAddrPort("192.0.2.1:1"), Remote: netip.MustParseAddrPort("192.0.2.2:443"), Role: bpf.RoleClient}
	open := func(table *connTable, head bpf.Head, wire bpf.Wire) {
		o := at
		o.Head, o.Wire = head, wire
		table.open(&o)
	}
	want := func(table *connTable, when string, want ...uint64) {
		t.Helper()
		if got := lacking(table); !slices.Equal(got, want) {
			t.Errorf("%s: tables are copied for %x, want %x", when, got, want)
		}
	}

	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	outer, first := f.inTLS(t, slices.IndexFunc(f.segments, func(s bpf.Segment) bool {
		return bytes.HasPrefix(s.Payload, []byte{byte(record.ApplicationData), 3, 3}) // and no rest of another record
	}))
	table := newTestTable(t, io.Discard)
	open(table, fetchedHead, bpf.WireTLS)
	want(table, "TLS, before", fetchedHead.Conn)
	table.spotted(&bpf.Spot{Head: fetchedHead, Ptr: spotPtr, Direct: true, State: outer.stateOf(t, [2]uint64{})})
	s := outer.segments[first]
	s.Head, s.Offset = fetchedHead, 0
	table.segment(&s)
	want(table, "TLS")
	table.byID[fetchedHead.Conn].wire.tls.plaintextMissing(&tlsdecoder.Missing{Dir: decoder.Send, Ciphertext: 1, Records: -1, Plaintext: -1})
	want(table, "TLS, after a loss")
	do(t, table.endAll())

	table = newTestTable(t, io.Discard)
	for conn := range 2 {
		open(table, bpf.Head{Time: 1000, PID: 7, Conn: uint64(conn + 1)}, bpf.WireNone)
	}
	want(table, "calls, before", 1, 2)
	head := bpf.Head{Time: 2000, PID: 7, Conn: 2}
	table.data(&bpf.Data{Head: head, Dir: bpf.Send, Payload: []byte{23, 3, 3, 0, 1, 0}})
	want(table, "calls", 1)
	table.data(&bpf.Data{Head: head, Dir: bpf.Send, Seq: 3, Offset: 99, LostBytes: 9, Payload: []byte("x")})
	want(table, "calls, after a loss", 1)
	do(t, table.endAll())

	for _, request := range []string{"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"} {
		table = newTestTable(t, io.Discard)
		head = bpf.Head{Time: 1000, PID: 7, Conn: 1 << 62}
		open(table, head, bpf.WireHTTP)
		ok := []byte("HTTP/1.1 200 OK\r\n\r\n")
		table.segment(&bpf.Segment{Head: head, Wire: bpf.WireHTTP, Dir: bpf.Send, Payload: []byte(request)})
		table.segment(&bpf.Segment{Head: head, Wire: bpf.WireHTTP, Dir: bpf.Recv, Payload: ok})
		do(t, table.expire(head.Time, true))
		want(table, request)
		table.segment(&bpf.Segment{
			Head: head, Wire: bpf.WireHTTP, Dir: bpf.Recv, Seq: 5, Offset: uint64(len(ok) + 9), LostRecords: 1, LostBytes: 9, Payload: ok,
		})
		want(table, request+" after a loss")
		do(t, table.endAll())
	}
}
