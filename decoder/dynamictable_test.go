package decoder

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// TestAgainstHpack has golang.org/x/net/http2/hpack decode the same blocks. They are blocks of
// its encoder, with a table of changing size, and the same blocks with changed bytes.
func TestAgainstHpack(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var block bytes.Buffer
		enc := hpack.NewEncoder(&block)
		enc.SetMaxDynamicTableSizeLimit(maxHeaderTable)
		dec := hpack.NewDecoder(defaultTable, nil)
		dec.SetAllowedMaxDynamicTableSize(maxHeaderTable)
		var table fieldTable
		table.reset("")
		table.allow(maxHeaderTable, true)
		for n := range 300 {
			block.Reset()
			if rng.IntN(10) == 0 {
				enc.SetMaxDynamicTableSize(rng.Uint32N([]uint32{100, 5000, maxHeaderTable}[rng.IntN(3)]))
			}
			for range 1 + rng.IntN(30) {
				if err := enc.WriteField(randomField(rng)); err != nil {
					t.Fatal(err)
				}
			}
			b := bytes.Clone(block.Bytes())
			if n > 250 && len(b) > 0 {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			want, err := dec.DecodeFull(b)
			got, failed, broken := table.decode(b, maxBlock)
			if (err != nil) != (failed != "" || broken != nil) {
				t.Fatalf("seed %d, block %d, %x: %q %v, hpack says %v", seed, n, b, failed, broken, err)
			}
			if err != nil {
				break // no table is valid after that
			}
			if diff := cmp.Diff(append([]hpack.HeaderField{}, want...), append([]hpack.HeaderField{}, got...)); diff != "" {
				t.Fatalf("seed %d, block %d (-hpack +got):\n%s", seed, n, diff)
			}
			table.release()
		}
	}
}

func randomField(rng *rand.Rand) hpack.HeaderField {
	return hpack.HeaderField{
		Name:      []string{":method", "accept", "x", "", fmt.Sprint("name-", rng.IntN(100))}[rng.IntN(5)],
		Value:     []string{"", "GET", "\x00\xff", strings.Repeat("v", rng.IntN(300)), fmt.Sprint(rng.IntN(50))}[rng.IntN(5)],
		Sensitive: rng.IntN(8) == 0,
	}
}

// TestHugeInsertion inserts entries as large as the table, and larger ones.
func TestHugeInsertion(t *testing.T) {
	d := dynamicTable{max: 100}
	d.add(entry{name: "a", value: "b"})
	d.add(entry{name: "c", value: strings.Repeat("d", 67)})
	if e := d.at(1); e == nil || e.name != "c" || d.at(2) != nil || d.size != 100 {
		t.Errorf("got %+v", d)
	}
	d.add(entry{name: "c", value: strings.Repeat("d", 68)})
	if d.at(1) != nil || d.size != 0 {
		t.Errorf("got %+v, want an empty table (RFC 7541 §4.4)", d)
	}
}
