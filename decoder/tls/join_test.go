package tls_test

import (
	"bytes"
	"encoding/binary"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
	"h2trace/decoder/tls/handshake"
	"h2trace/decoder/tls/record"
)

// readersOf returns the Readers of the application data of a conversation.
func readersOf(t *testing.T, conv *conversation) (readers [2]*record.Reader) {
	t.Helper()
	suite, _ := record.SuiteByID(conv.state.CipherSuite)
	for _, s := range conv.secrets {
		var err error
		switch s.label {
		case "CLIENT_TRAFFIC_SECRET_0":
			readers[decoder.Send], err = record.NewTLS13(suite, s.secret)
		case "SERVER_TRAFFIC_SECRET_0":
			readers[decoder.Recv], err = record.NewTLS13(suite, s.secret)
		case "CLIENT_RANDOM":
			var server []byte
			for _, segment := range conv.segments {
				if segment.dir == decoder.Recv {
					hello, err := handshake.ParseServerHello(segment.b[9:])
					if hello == nil {
						t.Fatal(err)
					}
					server = hello.Random[:]
					break
				}
			}
			readers[decoder.Send], readers[decoder.Recv], err = record.NewTLS12(suite, s.secret, s.random[:], server)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return readers
}

// TestJoinNumber joins connections of each suite in the middle, with record numbers that
// are wrong by up to 2,000.
func TestJoinNumber(t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(9, 10))
	for _, s := range scenarios() {
		if s.resumed {
			continue // it has the keys of others
		}
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{10, 6_000_000, 300_000, 100_000, 100, 100})
			for range 10 {
				c, r := tls.NewJoined(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
				first := len(conv.segments)/4 + rng.IntN(len(conv.segments)/2)
				readers := readersOf(t, conv)
				numbers := [2]int{}
				for _, s := range conv.segments[:first] {
					numbers[s.dir] += len(s.b) / (1 << 14)
				}
				for d, reader := range readers {
					reader.SetNumber(uint64(max(0, numbers[d]+rng.IntN(4001)-2000)))
					c.Join(decoder.Direction(d), reader)
				}
				for i, s := range conv.segments[first:] {
					c.Data(ktime.Time(i+1), s.dir, s.b)
					r.drain(c)
				}
				c.Close(1 << 40)
				r.drain(c)
				var seen [2]int
				for _, s := range conv.segments[first:] {
					seen[s.dir] += len(s.b)
				}
				for d := range r.said {
					const lost = 2 * (5 + 1<<14 + 200)
					want := min(seen[d]*98/100-lost, len(conv.said[d]))
					if got := r.said[d]; !bytes.HasSuffix(conv.said[d], got) || len(got) < want {
						t.Fatalf("joined at %d: %s: got %d bytes, want the last %d of %d; %q", first, decoder.Direction(d), len(got), want, len(conv.said[d]), r.lines)
					}
				}
			}
		})
	}
}

// TestJoinLate takes connections from their first byte. No secret comes, but at some point
// in or after the handshake what the memory of the process holds. Nothing is missing.
func TestJoinLate(t *testing.T) {
	for _, s := range scenarios() {
		if s.resumed {
			continue // it has the keys of others
		}
		t.Run(s.name, func(t *testing.T) {
			conv := s.record(t, []int{10, 60_000, 3000, 100_000, 100, 100})
			for at := range conv.segments {
				for _, number := range []uint64{0, 1, 50} {
					c, r := tls.New(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
					for i, s := range conv.segments {
						if i == at {
							for d, reader := range readersOf(t, conv) {
								reader.SetNumber(number)
								c.Join(decoder.Direction(d), reader)
							}
						}
						c.Data(ktime.Time(i+1), s.dir, s.b)
						r.drain(c)
					}
					c.Close(1 << 40)
					r.drain(c)
					for d := range r.said {
						if !bytes.Equal(r.said[d], conv.said[d]) {
							t.Fatalf("keys before segment %d of %d: %s: got %d bytes, want %d; %q", at, len(conv.segments), decoder.Direction(d), len(r.said[d]), len(conv.said[d]), r.lines)
						}
					}
					if slices.ContainsFunc(r.lines, func(l string) bool { return strings.HasPrefix(l, "missing") || strings.HasPrefix(l, "unopened") }) {
						t.Fatalf("keys before segment %d of %d: %q", at, len(conv.segments), r.lines)
					}
				}
			}
		})
	}
}

// TestAwaitJoin has more ciphertext wait than for a secret.
func TestAwaitJoin(t *testing.T) {
	conv := (&scenario{}).record(t, []int{10, 2_000_000, 300_000, 100})
	c, r := tls.New(tls.NewBudget(8<<20), tls.NewSessions()), &result{}
	waits := false
	for i, s := range conv.segments {
		if _, ok := c.WaitsSince(); ok && !waits {
			c.AwaitJoin()
			waits = true
		}
		c.Data(ktime.Time(i+1), s.dir, s.b)
		r.drain(c)
	}
	for d, reader := range readersOf(t, conv) {
		c.Join(decoder.Direction(d), reader)
	}
	r.drain(c)
	for d := range r.said {
		if !bytes.Equal(r.said[d], conv.said[d]) {
			t.Errorf("%s: got %d bytes, want %d; %q", decoder.Direction(d), len(r.said[d]), len(conv.said[d]), r.lines)
		}
	}
}

// TestJoinOverflown takes a connection whose ciphertext waits for too long before its keys
// come. The rest is opened, and the beginning is missing.
func TestJoinOverflown(t *testing.T) {
	conv := (&scenario{}).record(t, []int{10, 2_000_000, 300_000, 100})
	c, r := tls.New(tls.NewBudget(8<<20), tls.NewSessions()), &result{}
	last := len(conv.segments) - 10
	for i, s := range conv.segments {
		if i == last {
			for d, reader := range readersOf(t, conv) {
				reader.SetNumber(100)
				c.Join(decoder.Direction(d), reader)
			}
		}
		c.Data(ktime.Time(i+1), s.dir, s.b)
		r.drain(c)
	}
	c.Close(1 << 40)
	r.drain(c)
	lacking, missing := 0, 0
	for d := range r.said {
		if got := r.said[d]; len(got) == 0 || !bytes.HasSuffix(conv.said[d], got) {
			t.Errorf("%s: got %d bytes, want the last of %d", decoder.Direction(d), len(got), len(conv.said[d]))
		} else if len(got) < len(conv.said[d]) {
			lacking++
		}
	}
	for _, l := range r.lines {
		if strings.HasPrefix(l, "missing") {
			missing++
		}
	}
	if lacking == 0 || missing != lacking {
		t.Errorf("%d directions lack bytes, and %d say so: %q", lacking, missing, r.lines)
	}
}

// longRecords are what a peer sends under TLS_CHACHA20_POLY1305_SHA256: 64 full records, of
// which the first has a number.
type longRecords struct {
	key, iv    []byte
	number     int
	said, sent []byte
}

func newLongRecords(t *testing.T, number int) *longRecords {
	t.Helper()
	l := &longRecords{key: stream(32, 1), iv: stream(12, 2), number: number, said: stream(64<<14, 3)}
	cipher, err := chacha20poly1305.New(l.key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		header := []byte{23, 3, 3, 0x40, 0x11}
		nonce := bytes.Clone(l.iv)
		binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^uint64(number+i))
		inner := append(bytes.Clone(l.said[i<<14:(i+1)<<14]), 23)
		l.sent = append(append(l.sent, header...), cipher.Seal(nil, nonce, inner, header)...)
	}
	return l
}

// reader returns a Reader with a key, whose number is wrong by off.
func (l *longRecords) reader(t *testing.T, key []byte, off int) *record.Reader {
	t.Helper()
	suite, _ := record.SuiteByID(0x1303)
	r, err := record.NewKey(record.TLS13, suite, key, l.iv)
	if err != nil {
		t.Fatal(err)
	}
	r.SetNumber(uint64(l.number + off))
	return r
}

// TestJoinFar joins a connection of long records that has been open for a million of them.
// Each number that is tried costs as much as to open one.
func TestJoinFar(t *testing.T) {
	const off = 2000
	l := newLongRecords(t, 1_000_000)
	for _, wrong := range []int{-off, -1, 0, 1, off} {
		c, r := tls.NewJoined(tls.NewBudget(4<<20), tls.NewSessions()), &result{}
		c.Join(decoder.Recv, l.reader(t, l.key, wrong))
		c.Data(1, decoder.Recv, l.sent[100:]) // the first record is cut
		r.drain(c)
		if got := r.said[decoder.Recv]; !bytes.Equal(got, l.said[1<<14:]) {
			t.Errorf("the number is wrong by %d: got %d bytes, want %d; %q", wrong, len(got), len(l.said)-1<<14, r.lines)
		}
	}
}

// TestJoinAgain joins a connection with a key that opens nothing, so that all work for the
// search is done, and then with the right one.
func TestJoinAgain(t *testing.T) {
	const size, tried = 5 + 1<<14 + 17, 8
	l := newLongRecords(t, 1_000_000)
	c, r := tls.NewJoined(tls.NewBudget(4<<20), tls.NewSessions()), &result{}
	c.Join(decoder.Recv, l.reader(t, stream(32, 9), 0))
	c.Data(1, decoder.Recv, l.sent[:tried*size])
	r.drain(c)
	if want := []string{"unopened recv: out of step"}; !slices.Equal(r.lines, want) {
		t.Fatalf("with another key: got %q, want %q", r.lines, want)
	}
	c.Join(decoder.Recv, l.reader(t, l.key, -500))
	c.Data(2, decoder.Recv, l.sent[tried*size:])
	r.drain(c)
	if got, want := r.said[decoder.Recv], l.said[tried<<14:]; !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, want %d; %q", len(got), len(want), r.lines)
	}
}

// TestJoinSilent takes connections from their first byte on which nothing follows the
// handshake, and whose secrets do not come. Nothing is missing.
func TestJoinSilent(t *testing.T) {
	conv := (&scenario{}).record(t, []int{10})
	requests := 0
	for ; requests < len(conv.segments); requests++ { // up to the first response
		if s := conv.segments[requests]; s.dir == decoder.Send && requests > 2 {
			break
		}
	}
	for _, last := range []int{requests + 1, len(conv.segments)} {
		c, r := tls.New(tls.NewBudget(1<<20), tls.NewSessions()), &result{}
		for i, s := range conv.segments[:last] {
			c.Data(ktime.Time(i+1), s.dir, s.b)
			r.drain(c)
		}
		for d, reader := range readersOf(t, conv) {
			c.Join(decoder.Direction(d), reader)
		}
		r.drain(c)
		if proven := len(r.said[0])+len(r.said[1]) > 0; proven && !c.Proven() {
			t.Error("records are opened, and the Readers not proven")
		}
		c.Close(1 << 40)
		r.drain(c)
		if slices.ContainsFunc(r.lines, func(l string) bool { return strings.HasPrefix(l, "missing") }) {
			t.Errorf("after %d of %d segments: %q", last, len(conv.segments), r.lines)
		}
	}
}
