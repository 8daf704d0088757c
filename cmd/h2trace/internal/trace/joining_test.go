//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls/record"
)

// spotPtr is where the process has the tls.Conn of a replayed connection.
const spotPtr = 0xc000100000

// stateOf is what a process holds of a recorded connection of TLS 1.3, whose next records
// have the given numbers.
func (f *fetched) stateOf(t *testing.T, numbers [2]uint64) *bpf.TLSState {
	t.Helper()
	s := &bpf.TLSState{Role: bpf.RoleClient, Version: tls.VersionTLS13, Cipher: tls.TLS_AES_128_GCM_SHA256, ALPN: "h2", SNI: "example.com"}
	for _, secret := range f.secrets {
		switch secret.Label {
		case bpf.LabelClientTraffic:
			s.Keys[bpf.Send].Secret = bytes.Clone(secret.Secret)
		case bpf.LabelServerTraffic:
			s.Keys[bpf.Recv].Secret = bytes.Clone(secret.Secret)
		}
	}
	for d := range s.Keys {
		if s.Keys[d].Number = numbers[d]; len(s.Keys[d].Secret) == 0 {
			t.Fatal("no traffic secret is logged")
		}
	}
	return s
}

// join replays a connection from segment number from on. Its keys come before segment
// number at, as prepared.
func (f *fetched) join(t *testing.T, from, at int, spot bpf.Spot, prepare func(*connTable)) string {
	t.Helper()
	var out bytes.Buffer
	table := newTestTable(t, &out)
	prepare(table)
	keys := keysIn(spot.State)
	spot.Head, spot.Ptr, spot.Direct = fetchedHead, spotPtr, true
	later := &fetched{segments: slices.Clone(f.segments)}
	var before [2]uint64
	for i := range later.segments {
		s := &later.segments[i]
		if i < from {
			before[s.Dir] += uint64(len(s.Payload))
		}
		s.Offset -= before[s.Dir] // streams begin with the first segment that is seen
	}
	for i := from; i < len(f.segments); i++ {
		if i == at {
			table.spotted(&spot)
		}
		open := &bpf.Open{
			Head: fetchedHead, Wire: bpf.WireTLS,
			Local: netip.MustParseAddrPort("192.0.2.1:1"), Remote: netip.MustParseAddrPort("192.0.2.2:443"),
		}
		if i == from {
			table.open(open)
		}
		later.give(table, i)
		if i == max(from, at)+1 { // a packet of the other direction opens it, too
			table.open(open)
		}
		if err := table.expire(ktime.Time(2000+i), false); err != nil { // keys may be read again
			t.Fatal(err)
		}
	}
	c := table.byID[fetchedHead.Conn]
	for now := fetchedHead.Time; table.ciphers.joining.conns[c] != nil && now < ktime.Time(2*joinWait); now += 1e8 {
		c.wire.tls.heard = now // it goes on
		if err := table.expire(now, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.endAll(); err != nil {
		t.Fatal(err)
	}
	if err := table.events.Close(); err != nil {
		t.Fatal(err)
	}
	if !areZero(keys) {
		t.Error("the keys are not zeroed")
	}
	return out.String()
}

// keysIn returns the memory of the keys in a state, which may be nil.
func keysIn(s *bpf.TLSState) (keys [][]byte) {
	if s == nil {
		return nil
	}
	for _, k := range s.Keys {
		keys = append(keys, k.Secret, k.Key, k.IV)
	}
	return keys
}

func areZero(keys [][]byte) bool {
	return !slices.ContainsFunc(slices.Concat(keys...), func(b byte) bool { return b != 0 })
}

// TestSpotKeysExpire has keys that no connection takes: its own is not known yet, or it has
// those of the connection around it. It can be joined later, with keys from memory.
func TestSpotKeysExpire(t *testing.T) {
	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	table := newTestTable(t, io.Discard)
	unknown, known, above := f.stateOf(t, [2]uint64{}), f.stateOf(t, [2]uint64{}), f.stateOf(t, [2]uint64{})
	above.Below = spotPtr
	brought := [][][]byte{keysIn(unknown), keysIn(known), keysIn(above)}
	head := bpf.Head{Time: 1000, PID: 7, Conn: 1<<62 | 6}
	table.spotted(&bpf.Spot{Head: fetchedHead, Ptr: spotPtr, Direct: true, State: unknown})
	table.open(&bpf.Open{Head: head, Wire: bpf.WireTLS})
	table.spotted(&bpf.Spot{Head: head, Ptr: spotPtr, Direct: true, State: known})
	table.spotted(&bpf.Spot{Head: head, Ptr: spotPtr + 1, State: above})
	if areZero(brought[0]) || !areZero(brought[1]) || areZero(brought[2]) {
		t.Error("keys are not zeroed exactly when they are taken")
	}
	do(t, table.expire(head.Time.Add(spotKept), true))
	if areZero(brought[0]) || areZero(brought[2]) {
		t.Error("keys are zeroed too early")
	}
	do(t, table.expire(head.Time.Add(2*spotKept), true))
	if !areZero(slices.Concat(brought...)) || len(table.ciphers.joining.kept) > 0 {
		t.Error("keys that no connection takes are kept")
	}
	table.kernel.(*fakeKernel).states = map[uint64]*bpf.TLSState{spotPtr: f.stateOf(t, [2]uint64{})}
	table.open(&bpf.Open{Head: fetchedHead, Wire: bpf.WireTLS})
	if n := table.byID[fetchedHead.Conn].wire.tls.joint; n.reads != 1 {
		t.Errorf("keys were taken %d times", n.reads)
	}
	do(t, table.endAll())
}

// TestSpotElsewhere has a spot on a connection whose bytes do not come from packets, or
// are no TLS.
func TestSpotElsewhere(t *testing.T) {
	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	for _, wire := range []bpf.Wire{bpf.WireNone, bpf.WireHTTP} {
		table := newTestTable(t, io.Discard)
		table.open(&bpf.Open{Head: fetchedHead, Wire: wire})
		state := f.stateOf(t, [2]uint64{})
		keys := keysIn(state)
		if table.spotted(&bpf.Spot{Head: fetchedHead, Ptr: spotPtr, State: state}); !areZero(keys) {
			t.Errorf("%v: keys of no use are kept", wire)
		}
	}
}

// TestJoining replays the packets of a connection that was open before. Whenever its keys
// come, and wherever from, the same is printed.
func TestJoining(t *testing.T) {
	f := fetch(t, []string{"/a", "/bc", "/d"}, func(*tls.Config) {})
	nothing := func(*connTable) {}
	for from := 3; from < len(f.segments)-2; from++ { // after the handshake
		state := func() bpf.Spot { return bpf.Spot{State: f.stateOf(t, [2]uint64{uint64(from), 1000})} }
		want := f.join(t, from, from, state(), nothing)
		if !strings.Contains(want, `"tls":{"version":"TLS 1.3","alpn":"h2","sni":"example.com"`) {
			t.Fatalf("from segment %d on: %s", from, want)
		}
		for at := from + 1; at < len(f.segments); at++ {
			if diff := cmp.Diff(want, f.join(t, from, at, state(), nothing)); diff != "" {
				t.Errorf("from segment %d on, keys before %d: %s", from, at, diff)
			}
			inMemory := func(table *connTable) {
				table.kernel.(*fakeKernel).states = map[uint64]*bpf.TLSState{spotPtr: f.stateOf(t, [2]uint64{})}
			}
			if diff := cmp.Diff(want, f.join(t, from, at, bpf.Spot{}, inMemory)); diff != "" {
				t.Errorf("from segment %d on, keys in memory before %d: %s", from, at, diff)
			}
		}
	}
}

// TestNotJoined replays connections that were open before, and whose keys cannot be had.
func TestNotJoined(t *testing.T) {
	short := fetch(t, []string{"/a", "/bc"}, func(*tls.Config) {})
	// So much is searched for a record, and more, each time that keys are taken.
	long := fetch(t, []string{"/" + strings.Repeat("a", 1500*maxJoins)}, func(*tls.Config) {})
	const from = 4
	other := func(of *fetched) *bpf.TLSState {
		s := of.stateOf(t, [2]uint64{})
		for d := range s.Keys {
			s.Keys[d].Secret = bytes.Repeat([]byte{byte(d + 1)}, 32)
		}
		return s
	}
	remembered := func(table *connTable) {
		table.kernel.(*fakeKernel).states = map[uint64]*bpf.TLSState{spotPtr: other(long)}
	}
	for _, tt := range []struct {
		name    string
		of      *fetched
		at      int
		spot    bpf.Spot
		prepare func(*connTable)
		want    string // "": nothing is printed
	}{
		{"not found", short, -1, bpf.Spot{}, func(*connTable) {}, `"reason":"not decrypted: ` + notFound + `"`},
		{"not in memory", short, from, bpf.Spot{}, func(*connTable) {}, `"reason":"not decrypted: ` + notFound + `"`},
		{"not read", short, from, bpf.Spot{State: &bpf.TLSState{
			Version: tls.VersionTLS12, Cipher: tls.TLS_RSA_WITH_AES_128_CBC_SHA, Unread: "keys of X are not read",
		}}, func(*connTable) {}, `"reason":"not decrypted: keys of X are not read"`},
		{"wrong keys, and the end", short, from, bpf.Spot{State: other(short)}, func(*connTable) {}, `"reason":"not decrypted: ` + wrongKeys + `"`},
		{"wrong keys, and no others", long, from, bpf.Spot{State: other(long)}, func(*connTable) {}, `"reason":"not decrypted: ` + wrongKeys + `"`},
		{"wrong keys each time", long, from, bpf.Spot{State: other(long)}, remembered, `"reason":"not decrypted: ` + wrongKeys + `"`},
		{"on calls", short, from, bpf.Spot{}, func(table *connTable) {
			table.ciphers.byCalls = func(int) bool { return true }
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.of.join(t, from, tt.at, tt.spot, tt.prepare)
			if strings.Contains(got, `"event":"frame"`) || tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

// TestJoinedLate replays a connection whose handshake is seen, and whose secrets do not
// come. A tls.Conn is found on it at any time, with its keys, or before it has them.
func TestJoinedLate(t *testing.T) {
	f := fetch(t, []string{"/a", "/bc", "/d"}, func(*tls.Config) {})
	requests := []string{"GET /a: 2000 bytes", "GET /bc: 3000 bytes", "GET /d: 2000 bytes"}
	joined := append([]string{"open h2 by wire, {Version:TLS 1.3 ALPN:h2 SNI:example.com Issuer:} "}, requests...)
	opened := append([]string{"open h2 by wire, {Version:TLS 1.3 ALPN:h2 SNI:example.com Issuer:O=Acme Co} "}, requests...)
	for at := range len(f.segments) + 1 {
		for _, tt := range []struct {
			name   string
			state  bool // the record has the keys
			secret int  // number of the segment before which the secrets come
			want   []string
		}{
			{"in the record", true, never, joined},
			{"in memory", false, never, joined},
			{"secrets first", true, 2, opened},
			{"in memory, secrets in the end", false, len(f.segments), opened},
		} {
			var out bytes.Buffer
			table := newTestTable(t, &out)
			spot := bpf.Spot{Head: fetchedHead, Ptr: spotPtr, Direct: true}
			var secret []byte
			if tt.state {
				spot.State = f.stateOf(t, [2]uint64{})
				secret = spot.State.Keys[bpf.Send].Secret
			} else {
				table.kernel.(*fakeKernel).states = map[uint64]*bpf.TLSState{spotPtr: f.stateOf(t, [2]uint64{})}
			}
			openFetched(table, bpf.RoleClient)
			for i := range len(f.segments) + 1 {
				if i == tt.secret {
					f.tell(table)
				}
				if i == at {
					s := spot
					table.spotted(&s)
				}
				if i < len(f.segments) {
					f.give(table, i)
					if err := table.expire(ktime.Time(i)*ktime.Time(lookInterval), false); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := table.expire(ktime.Time(2*secretWait), true); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(table.endAll(), table.events.Close()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, inWords(t, &out)); diff != "" {
				t.Errorf("keys %s, found before segment %d of %d: %s", tt.name, at, len(f.segments), diff)
			}
			if n := len(table.ciphers.joining.conns) + len(table.ciphers.joining.spots); n > 0 {
				t.Errorf("keys %s, found before segment %d: %d connections are remembered", tt.name, at, n)
			}
			if !bytes.Equal(secret, make([]byte, len(secret))) {
				t.Errorf("keys %s, found before segment %d: they are not zeroed", tt.name, at)
			}
		}
	}
}

// TestNotFoundLate gives up such a connection if its keys make no sense.
func TestNotFoundLate(t *testing.T) {
	f := fetch(t, []string{"/a"}, func(*tls.Config) {})
	var out bytes.Buffer
	table := newTestTable(t, &out)
	openFetched(table, bpf.RoleClient)
	for i := range f.segments {
		f.give(table, i)
	}
	table.spotted(&bpf.Spot{Head: fetchedHead, Ptr: spotPtr, Direct: true})
	c := table.byID[fetchedHead.Conn]
	for now := ktime.Time(lookInterval); now < ktime.Time(2*joinWait); now = now.Add(lookInterval) {
		c.wire.tls.heard = now // it goes on
		if err := table.expire(now, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(table.endAll(), table.events.Close()); err != nil {
		t.Fatal(err)
	}
	want := []string{"open  by wire, {Version:TLS 1.3 ALPN: SNI:example.com Issuer:} not decrypted: " + lateNotFound}
	if diff := cmp.Diff(want, inWords(t, &out)); diff != "" {
		t.Error(diff)
	}
}

// TestReadersWiped has keys of which only those of the first direction are of use.
func TestReadersWiped(t *testing.T) {
	state := fetch(t, []string{"/a"}, func(*tls.Config) {}).stateOf(t, [2]uint64{})
	state.Keys[bpf.Recv].Secret = state.Keys[bpf.Recv].Secret[:16]
	readers, err := readersOf(state)
	if err == nil || readers[bpf.Send] == nil {
		t.Fatalf("got %v, error %v", readers, err)
	}
	if r := readers[bpf.Send]; r.Overhead() != record.HeaderSize { // it has no key
		t.Error("the Reader of the other direction is not wiped")
	}
}

// TestElsewhere has a connection whose bytes come from calls. Lost packets and a failure of
// it are not printed: another connection has what the process says.
func TestElsewhere(t *testing.T) {
	for _, handshake := range []bool{false, true} {
		var out bytes.Buffer
		table := newTestTable(t, &out)
		table.ciphers.byCalls = func(int) bool { return true }
		table.open(&bpf.Open{Head: fetchedHead, Wire: bpf.WireTLS, Handshake: handshake})
		table.segment(&bpf.Segment{Head: fetchedHead, Wire: bpf.WireTLS, Seq: 3, Offset: 9, LostRecords: 2, LostBytes: 9, Payload: []byte("x")})
		table.handshakeFailed(&bpf.HandshakeFailed{
			Head: fetchedHead, Conns: [2]uint64{fetchedHead.Conn}, Error: innermostError(plan.ErrorUnknownAuthority),
		})
		do(t, table.close(&bpf.Close{Head: fetchedHead, Socket: true, Totals: bpf.Totals{LostRecords: [2]uint32{3, 1}, LostBytes: [2]uint64{18, 9}}}))
		do(t, table.endAll())
		var ledger bpf.Ledger
		ledger.LostRecords[bpf.RingFull] = 4
		table.losses.settle(fetchedHead.Time, ledger, 0)
		do(t, table.events.Close())
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"event":"loss","reason":"ring_full","records":4`) {
			t.Errorf("got %s, want the loss of all records, of no connection", got)
		}
	}
}

// TestJoinedLateBusy finds the keys of such a connection after a megabyte. That is opened
// if the connection began before the process had probes; else some of it is missing, and
// the connection does not say that it is not decrypted.
func TestJoinedLateBusy(t *testing.T) {
	large := "/" + strings.Repeat("x", 999)
	f := fetch(t, []string{large, "/b"}, func(*tls.Config) {})
	for _, pending := range []bool{false, true} {
		var out bytes.Buffer
		table := newTestTable(t, &out)
		table.ciphers.pending = func(int) bool { return pending }
		openFetched(table, bpf.RoleClient)
		for i := range f.segments {
			if i == len(f.segments)-4 {
				table.spotted(&bpf.Spot{Head: fetchedHead, Ptr: spotPtr, Direct: true, State: f.stateOf(t, [2]uint64{})})
			}
			f.give(table, i)
		}
		do(t, errors.Join(table.endAll(), table.events.Close()))
		words := inWords(t, &out)
		if pending != slices.Contains(words, "GET "+large+": 1000000 bytes") || !strings.Contains(out.String(), `/b"`) {
			t.Errorf("before the probes %t: got %q", pending, words)
		}
		if strings.Contains(out.String(), "not decrypted") {
			t.Errorf("before the probes %t: got %q", pending, words[0])
		}
	}
}
