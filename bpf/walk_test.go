package bpf

import (
	"bytes"
	"crypto/tls"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// TestWalk sends HTTP/2 frames cut at random offsets and requires that exactly the
// DATA payloads are skipped, except for the wanted part.
func TestWalk(t *testing.T) {
	for _, test := range []struct {
		name      string
		bodyBytes int
	}{
		{"no bodies", 0},
		{"10 bytes of each body", 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			stream, want := frames(t, rng, test.bodyBytes)
			c := newCollector(t, Options{BufferSize: 16 << 20, BodyBytes: test.bodyBytes})
			got := observe(t, c, func() { exchange(t, stream, rng) })
			checkSent(t, got, want, len(stream))
			checkLedger(t, c, got)
		})
	}
}

// checkSent requires that both ends of one connection reported want, of a stream of
// size bytes that the client sent.
func checkSent(t *testing.T, got *capture, want []byte, size int) {
	t.Helper()
	for id, open := range got.opens {
		dir := Send
		if open.Role == RoleServer {
			dir = Recv
		}
		if diff := firstDifference(got.data[id][dir].Bytes(), want); diff >= 0 {
			t.Errorf("role %d: got %d bytes, want %d, which differ at %d", open.Role, got.data[id][dir].Len(), len(want), diff)
		}
		if n := got.closes[id].Offset[dir]; n != uint64(size) {
			t.Errorf("role %d: %d bytes accounted for, want %d", open.Role, n, size)
		}
	}
	if n := len(got.opens); n != 2 {
		t.Errorf("got %d connections, want both ends of one", n)
	}
}

// frames returns a client's side of a connection, and the wanted bytes.
func frames(t *testing.T, rng *rand.Rand, bodyBytes int) (stream, want []byte) {
	t.Helper()
	var out bytes.Buffer
	framer := http2.NewFramer(&out, nil)
	out.WriteString(http2.ClientPreface)
	want = append(want, http2.ClientPreface...)
	for range 400 {
		start := out.Len()
		leftOut := 0
		var err error
		switch size := rng.IntN(16384); rng.IntN(5) {
		case 0:
			err = framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		case 1:
			err = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, size/8), EndHeaders: true})
		case 2:
			err = framer.WriteData(1, false, nil)
		case 3:
			data := randomBytes(rng, size)
			err = framer.WriteData(1, false, data)
			leftOut = max(0, size-bodyBytes)
		case 4:
			data, pad := randomBytes(rng, size/2), make([]byte, rng.IntN(256))
			err = framer.WriteDataPadded(1, false, data, pad)
			leftOut = max(0, len(data)+len(pad)-bodyBytes)
		}
		if err != nil {
			t.Fatal(err)
		}
		frame := out.Bytes()[start:]
		want = append(want, frame[:len(frame)-leftOut]...)
	}
	return out.Bytes(), want
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// exchange sends the stream over TLS in pieces of many sizes. Both ends are in this
// process, so both are observed, and the reader cuts at other offsets.
func exchange(t *testing.T, stream []byte, rng *rand.Rand) {
	ln, config := listen(t)
	received := make(chan []byte, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			received <- nil
			return
		}
		var all []byte
		buf := make([]byte, 5000)
		for size := len(http2.ClientPreface) - 1; ; size = (size*7 + 1) % len(buf) {
			n, err := conn.Read(buf[:size+1])
			all = append(all, buf[:n]...)
			if err != nil {
				break
			}
		}
		conn.Close()
		received <- all
	}()
	conn, err := tls.Dial("tcp", ln.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// The preface is written and read whole, as implementations do.
	for rest, n := stream, len(http2.ClientPreface); len(rest) > 0; n = 1 + rng.IntN(1<<rng.IntN(17)) {
		n = min(n, len(rest))
		if _, err := conn.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	conn.Close()
	if got := <-received; !bytes.Equal(got, stream) {
		t.Fatalf("the peers themselves disagree: %d bytes sent, %d received", len(stream), len(got))
	}
}

// firstDifference returns where a and b differ, or -1.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}
