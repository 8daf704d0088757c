//go:build linux

package bpf

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// allow lets the tables of both ends grow.
func (c *talk) allow(size uint32) {
	c.enc.SetMaxDynamicTableSizeLimit(size)
	c.dec.SetAllowedMaxDynamicTableSize(size)
	c.reference.SetAllowedMaxDynamicTableSize(size)
}

// fresh returns a block of n fields that were not sent before.
func (c *talk) fresh(n, size int) []hpack.HeaderField {
	fields := []hpack.HeaderField{{Name: ":method", Value: "GET"}}
	for range n {
		c.turn++
		value := fmt.Sprint(c.turn)
		fields = append(fields, hpack.HeaderField{Name: "x" + value, Value: strings.Repeat(value, size)})
	}
	return fields
}

// TestLargeTables joins connections whose peers permit large tables, and compares the
// copied tables with those of both ends.
func TestLargeTables(t *testing.T) {
	rows := []struct {
		name    string
		allowed uint32
		fill    func(c *talk)
		want    bool
	}{
		{"many entries", 64 << 10, func(c *talk) {
			for range 18 {
				c.send(0, c.fresh(100, 1))
			}
		}, true},
		{"long values", 64 << 10, func(c *talk) {
			for _, size := range []int{3000, 1, 800, 0, 2000, 1200, 1} {
				c.send(0, c.fresh(1, size))
			}
		}, true},
		{"all of it one entry", 64 << 10, func(c *talk) { c.send(0, c.fresh(1, 65400)) }, true},
		{"most entries", 64 << 10, func(c *talk) {
			empty := []hpack.HeaderField{{Name: ":method", Value: "GET"}}
			for range 1000 {
				empty = append(empty, hpack.HeaderField{Name: "", Value: ""}, hpack.HeaderField{Name: "a", Value: ""})
			}
			c.send(0, empty)
			for range 10 {
				c.send(0, c.fresh(100, 1))
			}
		}, true},
		{"an entry more than a record has", 8 << 10, func(c *talk) { c.send(0, c.fresh(129, 1)) }, true},
		{"beyond what is copied", 128 << 10, func(c *talk) {
			for range 30 {
				c.send(0, c.fresh(100, 1))
			}
		}, false},
	}
	c := newCollector(t, Options{BufferSize: 16 << 20})
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	talks := make([]*talk, len(rows))
	for i, row := range rows {
		talks[i] = newTalk(t)
		talks[i].allow(row.allowed)
		talks[i].exchange(row.allowed)
		row.fill(talks[i])
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	var names []string
	var want [][]TableEntry
	for i, row := range rows {
		for range 3 {
			before := talks[i].send(0, talks[i].fresh(2, 10))
			if row.want {
				names, want = append(names, row.name), append(want, before)
			}
		}
	}
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	tables, blocks, _ := drainTables(t, c)
	if len(blocks) != len(want) {
		t.Fatalf("got %d blocks, want %d", len(blocks), len(want))
	}
	for dir := range tables {
		if len(tables[dir]) != len(want) {
			t.Fatalf("direction %d: got %d tables, want %d", dir, len(tables[dir]), len(want))
		}
		for i, table := range tables[dir] {
			if !table.Consistent {
				t.Errorf("%s, direction %d: a table is inconsistent", names[i], dir)
			}
			if !cmp.Equal(want[i], table.Entries) {
				t.Errorf("%s, direction %d: got %.200v, want %.200v", names[i], dir, table.Entries, want[i])
			}
		}
	}
}
