package clienthello

import (
	"crypto/tls"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// records splits the handshake message of a record into records of up to n bytes.
func records(b []byte, n int) []byte {
	var out []byte
	for part := range slices.Chunk(b[5:], n) {
		out = append(out, b[0], b[1], b[2])
		out = binary.BigEndian.AppendUint16(out, uint16(len(part)))
		out = append(out, part...)
	}
	return out
}

// TestReader passes a ClientHello in pieces, and other bytes.
func TestReader(t *testing.T) {
	b := hello(t, &tls.Config{ServerName: "goproxy.example", NextProtos: []string{"h2"}})
	want, _ := read(b)
	with := func(b []byte, at int, v byte) []byte {
		b = slices.Clone(b)
		b[at] = v
		return b
	}
	const sessionID = 5 + 4 + 2 + 32 // the offset of its length
	huge := append([]byte{22, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0}, make([]byte, maxLength)...)
	for _, tt := range []struct {
		name  string
		in    []byte
		piece int
		want  bool
		taken int // before it is over
	}{
		{"whole", b, len(b), true, len(b)},
		{"byte by byte", b, 1, true, len(b)},
		{"in two", b, len(b) - 1, true, len(b)},
		{"more behind it", append(slices.Clone(b), "early data"...), 1, true, len(b)},
		{"records of 100 bytes", records(b, 100), 1, true, len(records(b, 100))},
		{"records of one byte", records(b, 1), len(b), true, len(records(b, 1))},
		{"not all of it", b[:len(b)-1], 50, false, len(b) - 1},
		{"HTTP", []byte("GET / HTTP/1.1\r\n"), 1, false, 1},
		{"another record", []byte("\x17\x03\x03\x00\x01a"), 1, false, 1},
		{"another handshake message", []byte("\x16\x03\x03\x00\x05\x02\x00\x00\x01a and more"), 1, false, 10},
		{"another protocol", []byte("\x16\x02\x03"), 1, false, 2},
		{"record of application data", with(b, 0, 23), len(b), false, len(b)},
		{"record of major version 2", with(b, 1, 2), len(b), false, len(b)},
		{"record of major version 4", with(b, 1, 4), len(b), false, len(b)},
		{"record of another minor version", with(b, 2, 9), len(b), true, len(b)},
		{"second record of application data", with(records(b, 100), 105, 23), len(records(b, 100)), false, len(records(b, 100))},
		{"malformed ClientHello", with(b, sessionID, 255), len(b), false, len(b)},
		{"too long", huge, 1, false, maxLength},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Reader
			var got []Offer
			taken := 0
			for piece := range slices.Chunk(tt.in, tt.piece) {
				if r.Over() {
					break
				}
				taken += len(piece)
				if o, ok := r.Take(piece); ok {
					got = append(got, o)
				}
			}
			if over := tt.name != "not all of it"; r.Over() != over || taken != tt.taken {
				t.Errorf("over: %t, after %d bytes, want %t, %d", r.Over(), taken, over, tt.taken)
			}
			var offers []Offer
			if tt.want {
				offers = []Offer{want}
			}
			if diff := cmp.Diff(offers, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// FuzzReader passes the same bytes in two ways: both yield the same offer, or none.
func FuzzReader(f *testing.F) {
	b := hello(f, &tls.Config{ServerName: "goproxy.example", NextProtos: []string{"h2"}})
	f.Add(b, uint8(1))
	f.Add(records(b, 200), uint8(100))
	f.Add([]byte("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x00\x16\x03\x03\x00\x04\x00\x00\x01\x03"), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		var whole, pieces Reader
		want, found := whole.Take(b)
		var got Offer
		for piece := range slices.Chunk(b, int(n)+1) {
			o, ok := pieces.Take(piece)
			if ok {
				got = o
			}
			found = found != ok
		}
		if found || whole.Over() != pieces.Over() {
			t.Fatalf("found in one way only; over: %t, %t", whole.Over(), pieces.Over())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("whole and in pieces:\n%s", diff)
		}
	})
}
