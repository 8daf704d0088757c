package decoder

import (
	"bytes"
	"testing"
)

// TestHasControl puts each octet at each place of values of all lengths, among others that have a bit
// in common with it.
func TestHasControl(t *testing.T) {
	for _, filler := range []byte("a \t~\x80\xff") {
		for length := 1; length < 19; length++ {
			v := bytes.Repeat([]byte{filler}, length)
			for at := range v {
				for c := range 256 {
					v[at] = byte(c)
					want := c < ' ' && c != '\t' || c == 0x7f
					if got := hasControl(string(v)); got != want {
						t.Fatalf("%q: %v, want %v", v, got, want)
					}
				}
				v[at] = filler
			}
		}
	}
}
