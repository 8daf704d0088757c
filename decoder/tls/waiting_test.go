package tls_test

import (
	"bytes"
	gotls "crypto/tls"
	"slices"
	"testing"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// mostWaiting and mostJoining are the bounds on the ciphertext of a direction that waits, and
// of one that waits for Join. The segment that exceeds a bound was taken before.
const (
	mostWaiting = 512 << 10
	mostJoining = 4 << 20
	segmentSize = 64 << 10
)

// TestJoinWaits gives a connection that was open before its keys after much ciphertext: up to
// the larger bound, all of it waits.
func TestJoinWaits(t *testing.T) {
	long := scenario{server: func(c *gotls.Config) { c.DynamicRecordSizingDisabled = true }} // all records are
	for _, tt := range []struct {
		size int
		all  bool
	}{
		{mostWaiting / 2, true},
		{3 << 20, true},
		{6 << 20, false},
	} {
		conv := long.record(t, []int{10, tt.size})
		c, r := tls.NewJoined(tls.NewBudget(64<<20), tls.NewSessions()), &result{}
		records := conv.records()
		first := slices.IndexFunc(records, func(r wireRecord) bool { return r.dir == decoder.Recv && len(r.b) > 1<<14 })
		for i, record := range records[first:] {
			r.give(c, ktime.Time(i+1), record.dir, record.b)
		}
		for d, reader := range readersOf(t, conv) {
			c.Join(decoder.Direction(d), reader)
			r.drain(c)
		}
		said, got := conv.said[decoder.Recv], r.said[decoder.Recv]
		switch {
		case tt.all && !bytes.Equal(got, said):
			t.Errorf("%d bytes before Join: got %d bytes; %q", tt.size, len(got), r.lines)
		case !tt.all && (len(got) == 0 || len(got) > mostJoining+segmentSize || !bytes.HasSuffix(said, got)):
			t.Errorf("%d bytes before Join: got %d bytes, want at most %d, the last ones", tt.size, len(got), mostJoining+segmentSize)
		}
	}
}

// TestMostWaiting gives no secrets to connections that nobody will join, also to some that
// search for a record: a direction ends when the smaller bound is exceeded.
func TestMostWaiting(t *testing.T) {
	conv := tls13.record(t, []int{10, 3 << 20})
	records := conv.records()
	protected := slices.IndexFunc(records, func(r wireRecord) bool { return r.dir == decoder.Recv && r.b[0] == 23 })
	for _, tt := range []struct {
		name string
		lost int // the record that is missing, or -1
		part int // how many bytes of it, from its first on
		want string
	}{
		{"nothing lost", -1, 0, "unopened recv: no secret"},
		{"header of a protected record lost", protected, 2, "unopened recv: no secret"},
		{"protected record lost", protected, len(records[protected].b), "unopened recv: no secret"},
		{"beginning of the ServerHello lost", slices.IndexFunc(records, func(r wireRecord) bool { return r.dir == decoder.Recv }), 2, "unopened recv: hello not seen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, r := tls.New(tls.NewBudget(64<<20), tls.NewSessions()), &result{}
			waits, ended := 0, false
			for i, record := range records {
				at, b := ktime.Time(i+1), record.b
				if i == tt.lost {
					c.Missing(at, record.dir, int64(tt.part))
					b = b[tt.part:]
				}
				if len(b) > 0 {
					r.give(c, at, record.dir, b)
				}
				if record.dir == decoder.Recv {
					waits += len(b)
				}
				if ended = slices.Contains(r.lines, tt.want); ended {
					break
				}
			}
			if !ended || waits < mostWaiting || waits > mostWaiting+segmentSize {
				t.Errorf("ended %t after %d bytes, want from %d to %d; %q", ended, waits, mostWaiting, mostWaiting+segmentSize, r.lines)
			}
		})
	}
}
