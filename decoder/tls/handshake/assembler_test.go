package handshake

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// message returns a message with n bytes of body.
func message(kind MessageType, n int) []byte {
	b := []byte{byte(kind), byte(n >> 16), byte(n >> 8), byte(n)}
	for i := range n {
		b = append(b, byte(i*7+n))
	}
	return b
}

// assembled returns the messages of a stream in pieces. It overwrites each piece when
// the Assembler may not need it any more.
func assembled(pieces func(yield func([]byte) bool)) (messages []Message, a Assembler) {
	for piece := range pieces {
		b := bytes.Clone(piece)
		a.Take(b)
		for m, ok := a.Next(); ok; m, ok = a.Next() {
			m.Body = bytes.Clone(m.Body)
			messages = append(messages, m)
		}
		for i := range b {
			b[i] = 0xee
		}
	}
	return messages, a
}

// model cuts a whole stream into messages. rest is an incomplete one.
func model(b []byte) (messages []Message, rest []byte) {
	for len(b) >= 4 {
		n := 4 + (int(b[1])<<16 | int(b[2])<<8 | int(b[3]))
		if len(b) < n {
			break
		}
		m := Message{Type: MessageType(b[0]), Body: b[4:n]}
		if n-4 > maxMessage {
			m.Body, m.Truncated = nil, true
		}
		messages, b = append(messages, m), b[n:]
	}
	return messages, b
}

// check demands that what came in pieces is what the model finds.
func check(t *testing.T, stream []byte, got []Message, a Assembler) {
	t.Helper()
	want, rest := model(stream)
	if diff := cmp.Diff(want, got, cmp.Comparer(bytes.Equal)); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	if a.Pending() != (len(rest) > 0) {
		t.Fatalf("pending: %t, %d bytes are left", a.Pending(), len(rest))
	}
}

// TestSplits cuts a short stream everywhere, once and into equal pieces.
func TestSplits(t *testing.T) {
	stream := slices.Concat(message(TypeClientHello, 9), message(TypeServerHelloDone, 0), message(TypeHelloRequest, 0),
		message(TypeFinished, 12), message(99, 1), message(TypeCertificate, 20)[:15])
	for n := range len(stream) {
		for from := range n + 1 {
			got, a := assembled(slices.Values([][]byte{stream[:from], stream[from:n]}))
			check(t, stream[:n], got, a)
		}
	}
	for n := 1; n <= len(stream); n++ {
		got, a := assembled(slices.Chunk(stream, n))
		check(t, stream, got, a)
	}
}

// TestLongMessages has messages at the bound and over it, between others.
func TestLongMessages(t *testing.T) {
	stream := slices.Concat(message(1, 3), message(11, maxMessage), message(2, 0), message(25, maxMessage+1),
		message(20, 5), message(11, 1<<20), message(11, 1<<18+1), message(4, 7), message(11, 1<<24-1)[:1<<20])
	for _, n := range []int{100, 1<<14 - 1, 1 << 14, 1 << 19, len(stream)} {
		got, a := assembled(slices.Chunk(stream, n))
		check(t, stream, got, a)
		if cap(a.data) > 0 {
			t.Errorf("pieces of %d bytes: %d bytes are held of a message that is skipped", n, cap(a.data))
		}
	}
}

// TestEmptyMessages has as many messages in a record as fit.
func TestEmptyMessages(t *testing.T) {
	stream := bytes.Repeat(message(TypeHelloRequest, 0), 1<<14/headerLen)
	got, a := assembled(slices.Values([][]byte{stream, {}, stream}))
	if len(got) != 2*1<<14/headerLen || a.Pending() {
		t.Errorf("%d messages, pending: %t", len(got), a.Pending())
	}
}

// TestHeld demands that an Assembler holds no more than a multiple of what has come.
func TestHeld(t *testing.T) {
	stream := message(TypeCertificate, maxMessage)
	var a Assembler
	for i := range len(stream) - 1 {
		a.Take(stream[i : i+1])
		if _, ok := a.Next(); ok {
			t.Fatal("a message is complete too early")
		}
		if most := 2*i + 64; cap(a.data) > most {
			t.Fatalf("after %d bytes %d are held, want at most %d", i+1, cap(a.data), most)
		}
	}
	a.Take(stream[len(stream)-1:])
	if m, ok := a.Next(); !ok || len(m.Body) != maxMessage {
		t.Fatalf("%t, %d bytes", ok, len(m.Body))
	}
	if _, ok := a.Next(); ok || a.Pending() || a.data != nil {
		t.Errorf("something is held after the last message")
	}
}

// TestNoCopy demands that a complete message stays where it is.
func TestNoCopy(t *testing.T) {
	b := slices.Concat(message(1, 5), message(2, 6))
	var a Assembler
	if n := testing.AllocsPerRun(100, func() {
		a.Take(b)
		first, _ := a.Next()
		second, _ := a.Next()
		if _, ok := a.Next(); ok || &first.Body[0] != &b[4] || &second.Body[0] != &b[13] {
			t.Error("a message is copied")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTakeEarly takes a record before the messages of the last one are returned.
func TestTakeEarly(t *testing.T) {
	whole := slices.Concat(message(1, 5), message(2, 6))
	array := make([]byte, len(whole)) // its end is not the Assembler's
	copy(array, whole[:9])
	before := bytes.Clone(array)
	var a Assembler
	a.Take(array[:9])
	a.Take(whole[9:])
	var got []Message
	for m, ok := a.Next(); ok; m, ok = a.Next() {
		got = append(got, m)
	}
	check(t, whole, got, a)
	if !bytes.Equal(array, before) {
		t.Error("the caller's bytes are changed")
	}
}

func TestReset(t *testing.T) {
	for _, stream := range [][]byte{message(1, 9)[:8], message(11, maxMessage+1)[:100]} {
		_, a := assembled(slices.Values([][]byte{stream}))
		if !a.Pending() {
			t.Error("nothing is pending")
		}
		a.Reset()
		if a.Pending() {
			t.Error("something is pending after Reset")
		}
		a.Take(message(20, 3))
		if m, ok := a.Next(); !ok || m.Type != TypeFinished || len(m.Body) != 3 {
			t.Errorf("%t, %+v", ok, m)
		}
	}
}

func FuzzAssembler(f *testing.F) {
	f.Add(slices.Concat(message(1, 3), message(14, 0), message(20, 12)), []byte{1, 7, 0, 3})
	f.Add(message(11, maxMessage+1), []byte{255})
	f.Fuzz(func(t *testing.T, stream, sizes []byte) {
		got, a := assembled(func(yield func([]byte) bool) {
			rest := stream
			for i := 0; len(rest) > 0; i++ {
				n := len(rest)
				if i < len(sizes) {
					n = min(n, int(sizes[i]))
				}
				if !yield(rest[:n]) {
					return
				}
				rest = rest[n:]
			}
		})
		check(t, stream, got, a)
	})
}
