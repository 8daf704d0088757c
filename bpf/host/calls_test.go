package host

import (
	"bytes"
	"reflect"
	"testing"
)

// FuzzCalls has tls/data.h report the bytes of calls. It copies each byte with its
// offset, or counts it as lost. The programs for older kernels do the same.
func FuzzCalls(f *testing.F) {
	addSeeds(f, 200)
	now, compat := start(f, "calls"), start(f, "calls", "-DCOMPAT")
	f.Fuzz(func(t *testing.T, in []byte) {
		s := callsSession(&source{in})
		got := now.run(t, s)
		checkCalls(t, s, &got)
		if other := compat.run(t, s); !reflect.DeepEqual(got, other) {
			t.Errorf("for older kernels it is %+v, want %+v", other, got)
		}
	})
}

// callsSession decodes a session from an input.
func callsSession(in *source) *session {
	s := &session{}
	if in.uint(1)&0x03 == 0 {
		s.refuse = in.refusals()
	}
	var at [2]uint64
	for len(in.in) > 0 && len(s.pieces) < 64 {
		v := in.uint(3)
		p := piece{dir: int(v >> 23), b: make([]byte, v&0xffff)}
		if v&0x700000 != 0 {
			p.b = p.b[:v&0x3f]
		}
		p.offset = at[p.dir]
		for i := range p.b {
			place := p.offset + uint64(i)
			p.b[i] = byte(place ^ place>>8 ^ place>>16)
		}
		at[p.dir] += uint64(len(p.b))
		s.pieces = append(s.pieces, p)
	}
	return s
}

// checkCalls requires that each record has the bytes of its call at its offset, in
// order, and that what is missing is counted.
func checkCalls(t *testing.T, s *session, got *result) {
	t.Helper()
	var seq, told [2]uint64
	sum, copied, records := uint64(0), uint64(0), uint64(0)
	for i, p := range s.pieces {
		sum += uint64(len(p.b))
		at, end := p.offset, p.offset+uint64(len(p.b))
		for _, r := range got.pieces[i] {
			to := r.offset + uint64(len(r.b))
			if r.dir != p.dir || r.seq < seq[r.dir] || s.refuse == 0 && (r.seq != seq[r.dir] || r.offset != at) {
				t.Fatalf("call %d: record %d of direction %d at %d, want %d of %d at %d", i, r.seq, r.dir, r.offset, seq[p.dir], p.dir, at)
			}
			if r.offset < at || to > end || len(r.b) == 0 || !bytes.Equal(r.b, p.b[r.offset-p.offset:to-p.offset]) {
				t.Fatalf("call %d, [%d,%d): %d bytes at %d are not those of the call", i, p.offset, end, len(r.b), r.offset)
			}
			seq[r.dir], at = r.seq+1, to
			told[r.dir] += r.lostBytes
			copied += uint64(len(r.b))
			records++
		}
		if s.refuse == 0 && at != end {
			t.Fatalf("call %d: %d bytes are missing", i, end-at)
		}
	}
	lost := told[0] + got.untold[0] + told[1] + got.untold[1]
	if got.seenBytes != sum || got.lostBytes != sum-copied || lost != sum-copied {
		t.Fatalf("%d of %d bytes are copied: the ledger has %d seen, %d lost; records report %d lost",
			copied, sum, got.seenBytes, got.lostBytes, lost)
	}
	if got.seenRecords != records+got.lostRecords {
		t.Fatalf("%d records seen, %d delivered, %d lost", got.seenRecords, records, got.lostRecords)
	}
}
