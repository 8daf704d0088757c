package tls_test

import (
	"bytes"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// reader reads the first bytes of each period of a direction, and says so.
type reader struct {
	result
	t              *testing.T
	period, wanted int
	whole          *result // that of one who reads everything
	passed         int
}

func (r *reader) unread(dir decoder.Direction) int64 {
	at := len(r.said[dir]) % r.period
	if at < r.wanted {
		return 0
	}
	return int64(r.period - at)
}

func (r *reader) Passed(e *tls.Passed) {
	r.t.Helper()
	if e.N <= 0 || e.N > r.unread(e.Dir) {
		r.t.Fatalf("%s: %d bytes passed over at %d, of which %d are not read", e.Dir, e.N, len(r.said[e.Dir]), r.unread(e.Dir))
	}
	at := len(r.said[e.Dir])
	if at+int(e.N) > len(r.whole.said[e.Dir]) {
		r.t.Fatalf("%s: %d bytes passed over at %d, of %d", e.Dir, e.N, at, len(r.whole.said[e.Dir]))
	}
	r.passed += int(e.N)
	r.plaintext(e.Dir, r.whole.said[e.Dir][at:at+int(e.N)])
}

// checkUnread gives the same acts to one who reads everything and to one who does not:
// these see the same otherwise. It returns how many bytes were passed over.
func checkUnread(t *testing.T, conv *conversation, acts []act, most, period, wanted int) int {
	t.Helper()
	whole := &result{}
	some := &reader{t: t, period: period, wanted: wanted, whole: whole}
	some.onPassed = some.Passed
	for _, r := range []*result{whole, &some.result} {
		c := tls.New(tls.NewBudget(1<<20), tls.NewSessions())
		if r != whole {
			c.Unread = some.unread
		}
		r.tell(c, conv)
		for i, a := range acts {
			r.perform(c, ktime.Time(i+1), a, most)
		}
		c.Close(1 << 40)
		r.drain(c)
	}
	if diff := cmp.Diff(whole.lines, some.lines); diff != "" {
		t.Fatalf("%d of %d read: %s", wanted, period, diff)
	}
	if diff := cmp.Diff(whole.turns, some.turns, cmp.AllowUnexported(turn{})); diff != "" {
		t.Fatalf("%d of %d read: %s", wanted, period, diff)
	}
	for d := range whole.said {
		if !bytes.Equal(whole.said[d], some.said[d]) {
			t.Fatalf("%d of %d read: %s differs", wanted, period, decoder.Direction(d))
		}
	}
	return some.passed
}

// TestUnread reads little of bulk: what is passed over is verified all the same.
func TestUnread(t *testing.T) {
	list := slices.DeleteFunc(scenarios(), func(s scenario) bool { return s.resumed })
	for i := range list {
		s := &list[i]
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{16384, 16384, 100, 4096, 40000, 16384, 70000, 1, 16384, 16384})
			gcm13 := conv.state.CipherSuite>>8 == 0x13 && conv.state.CipherSuite != 0x1303
			damages := 3 // where nothing can be passed over
			if gcm13 {
				damages = 60
			}
			rng := mathrand.New(mathrand.NewPCG(1, uint64(i)))
			passed := 0
			for range damages {
				script := make([]byte, rng.IntN(60))
				for j := range script {
					script[j] = byte(rng.Uint32())
				}
				most := 1 << rng.IntN(18)
				period := 1 + rng.IntN(1<<rng.IntN(17))
				passed += checkUnread(t, conv, damage(conv, script), most, period, rng.IntN(1+min(period, 100)))
			}
			whole := checkUnread(t, conv, damage(conv, nil), 1<<20, 16393, 9)
			t.Logf("passed over: %d bytes, %d of %d of the whole", passed, whole, len(conv.said[0])+len(conv.said[1]))
			if gcm13 != (whole > 0) {
				t.Errorf("%d bytes are passed over", whole)
			}
		})
	}
}

// bulkConn returns a Conn that reads the first 9 bytes of each period, what it has said so
// far, by direction, and a conversation.
func bulkConn(t *testing.T, period int64) (c *tls.Conn, conv *conversation, said *[2]int64) {
	t.Helper()
	s := scenario{name: "TLS 1.3"}
	conv = s.record(t, []int{16384, 16384, 100, 4096, 40000, 16384, 70000, 1, 16384, 16384})
	c, said = newConn(conv), &[2]int64{}
	for _, s := range conv.secrets {
		c.Secret(s.label, s.random, s.secret)
	}
	c.Unread = func(d decoder.Direction) int64 {
		if at := said[d] % period; at >= 9 {
			return period - at
		}
		return 0
	}
	return c, conv, said
}

// TestPlacesBulk asks for the ends of records after each part of one.
func TestPlacesBulk(t *testing.T) {
	c, conv, said := bulkConn(t, 16393)
	e, found := endsOf(conv), 0
	c.KeepPlaces(true)
	for i, s := range conv.segments {
		c.Data(ktime.Time(i+1), s.dir, s.b)
		for ev := c.Next(); ev != nil; ev = c.Next() {
			d := s.dir
			switch ev := ev.(type) {
			case *tls.Plaintext:
				said[d] += int64(len(ev.Data))
			case *tls.Passed:
				said[d] += ev.N
			default:
				continue
			}
			for offset, plaintext := range e[d] {
				since, lookup := c.Place(d, offset)
				if lookup != tls.PlaceFound {
					continue
				}
				if found++; said[d]-since != plaintext {
					t.Fatalf("%s: offset %d is after byte %d, want %d", d, offset, said[d]-since, plaintext)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no place is found")
	}
}

// TestCloseInBulk ends a connection after a part of a record. The rest of it is missing.
func TestCloseInBulk(t *testing.T) {
	c, conv, said := bulkConn(t, 5000)
	var missing *tls.Missing
	passed := 0
	for i, s := range conv.segments {
		c.Data(ktime.Time(i+1), s.dir, s.b)
		for ev := c.Next(); ev != nil; ev = c.Next() {
			switch ev := ev.(type) {
			case *tls.Plaintext:
				said[ev.Dir] += int64(len(ev.Data))
			case *tls.Passed:
				said[ev.Dir] += ev.N
				if passed++; passed == 3 {
					c.Close(1 << 40)
				}
			case *tls.Missing:
				missing = ev
			}
		}
	}
	if passed != 3 || missing == nil || missing.Ciphertext < 1000 {
		t.Errorf("%d parts are passed over, then this is missing: %+v", passed, missing)
	}
}

// FuzzUnread is TestUnread with recorded conversations.
func FuzzUnread(f *testing.F) {
	list := recorded(f)
	f.Add(byte(3), uint16(100), uint16(9), []byte{})
	f.Add(byte(3), uint16(5000), uint16(0), []byte{255, 0x20, 0, 255, 0x01, 100, 255, 0, 0, 100, 3, 40})
	f.Fuzz(func(t *testing.T, which byte, period, wanted uint16, script []byte) {
		conv := list[int(which)%len(list)]
		checkUnread(t, conv, damage(conv, script), 1<<20, 1+int(period), int(wanted))
	})
}
