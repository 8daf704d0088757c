//go:build linux

package bpf

import "unsafe"

// largeTables are tables with missing pieces.
type largeTables struct {
	pending map[uint64]*largeTable
}

// largeTable is a table with the pieces received so far.
type largeTable struct {
	table         Table
	size, maxSize uint32
	lens          []uint32
	text          []byte
}

const (
	// maxLargeEntries and maxLargeText bound a table: the programs send pieces of no
	// larger one.
	maxLargeEntries = 2048
	maxLargeText    = 64 << 10
	// maxLargeTables bounds how many are assembled at a time. The pieces of a table
	// directly follow it; only other processors put records in between.
	maxLargeTables = 16
)

// begin takes a table whose pieces follow. It returns false if they cannot be
// assembled; then the table is not Consistent.
func (l *largeTables) begin(raw *probesTableRecord, t *Table) bool {
	if raw.Count > maxLargeEntries || len(l.pending) >= maxLargeTables {
		return false
	}
	if l.pending == nil {
		l.pending = make(map[uint64]*largeTable)
	}
	l.pending[raw.Large] = &largeTable{
		table: *t, size: raw.Size, maxSize: raw.MaxSize, lens: make([]uint32, 2*raw.Count),
	}
	return true
}

// parsePiece returns the table that a piece completes, or nil.
func (p *parser) parsePiece(sample []byte) (Event, error) {
	raw, err := view[probesPieceRecord](sample, int(unsafe.Sizeof(probesPieceRecord{})))
	if err != nil {
		return nil, err
	}
	t := p.large.pending[raw.Large]
	if t == nil || !t.take(raw) { // nil: the table could not be copied to its end
		return nil, nil
	}
	delete(p.large.pending, raw.Large)
	p.table = t.table
	p.table.Entries, p.table.Consistent = entriesOf(t.lens, string(t.text), t.size, t.maxSize)
	return &p.table, nil
}

// take adds a piece, and reports whether it is the last one or none can follow.
func (t *largeTable) take(p *probesPieceRecord) (last bool) {
	first, count := uint64(p.First), uint64(p.Count)
	if 2*count > uint64(len(p.Lens)) || 2*(first+count) > uint64(len(t.lens)) ||
		int(p.Len) > len(p.Text) || len(t.text)+int(p.Len) > maxLargeText {
		t.lens = nil // not a table
		return true
	}
	copy(t.lens[2*first:], p.Lens[:2*count])
	t.text = append(t.text, p.Text[:p.Len]...)
	if 2*(first+count) < uint64(len(t.lens)) {
		return false
	}
	sum := uint64(0)
	for _, n := range t.lens {
		sum += uint64(n)
	}
	return uint64(len(t.text)) >= sum
}
