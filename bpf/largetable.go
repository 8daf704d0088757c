package bpf

import "unsafe"

// largeTables are tables of which pieces are still to come.
type largeTables struct {
	pending map[uint64]*largeTable
}

// largeTable is what has come of one.
type largeTable struct {
	record        Record
	size, maxSize uint32
	lens          []uint32
	text          []byte
}

const (
	// maxLargeEntries and maxLargeText bound a table: those of which the
	// programs send pieces.
	maxLargeEntries = 2048
	maxLargeText    = 64 << 10
	// maxLargeTables bounds how many are put together at a time. The pieces of
	// one come behind it at once; others come between only from other
	// processors.
	maxLargeTables = 16
)

// join takes a record that was parsed. It reports false for a piece, and for a
// table whose pieces are to follow; with the last of them r is that table.
func (l *largeTables) join(r *Record, sample []byte) (whole bool, err error) {
	switch r.Kind {
	case KindTable:
		t, err := view[probesTableRecord](sample, int(unsafe.Sizeof(probesTableRecord{})))
		if err != nil || t.Large == 0 {
			return true, err
		}
		if t.Count > maxLargeEntries || len(l.pending) >= maxLargeTables {
			return true, nil // it is not Consistent
		}
		if l.pending == nil {
			l.pending = make(map[uint64]*largeTable)
		}
		l.pending[t.Large] = &largeTable{
			record: *r, size: t.Size, maxSize: t.MaxSize, lens: make([]uint32, 2*t.Count),
		}
		return false, nil
	case kindPiece:
		p, err := view[probesPieceRecord](sample, int(unsafe.Sizeof(probesPieceRecord{})))
		if err != nil {
			return true, err
		}
		t := l.pending[p.Large]
		if t == nil {
			return false, nil // of a table that could not be copied to its end
		}
		if !t.take(p) {
			return false, nil
		}
		delete(l.pending, p.Large)
		*r = t.record
		r.Table.Entries, r.Table.Consistent = entriesOf(t.lens, string(t.text), t.size, t.maxSize)
		return true, nil
	}
	return true, nil
}

// take adds a piece and reports whether it is the last, or none can follow it.
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
