package recover

import (
	"maps"
	"slices"

	"h2trace/bpf"
)

const (
	// keptTables and keptEntries bound the tables that wait for their block. Few tables
	// have a hundred entries.
	keptTables  = 256
	keptEntries = 32 << 10
	// maxEarly bounds the blocks that wait for their connection.
	maxEarly = 64
)

// Tables holds the header tables of sent blocks until the frame of the block is known.
// The zero value is empty.
type Tables struct {
	byID  map[uint64]*bpf.Table
	early []bpf.Block // of connections that did not open yet
}

// Add takes a table. If there are too many, the oldest goes.
func (t *Tables) Add(table *bpf.Table) {
	for len(t.byID) == keptTables || t.entries()+len(table.Entries) > keptEntries && len(t.byID) > 0 {
		delete(t.byID, slices.Min(slices.Collect(maps.Keys(t.byID))))
	}
	if t.byID == nil {
		t.byID = make(map[uint64]*bpf.Table)
	}
	own := *table
	t.byID[table.ID] = &own
}

// entries returns how many there are in the tables.
func (t *Tables) entries() int {
	n := 0
	for _, table := range t.byID {
		n += len(table.Entries)
	}
	return n
}

// Take removes and returns the table of a block, or returns nil.
func (t *Tables) Take(id uint64) *bpf.Table {
	table := t.byID[id]
	delete(t.byID, id)
	return table
}

// Early takes a block of a connection that is not known, as its open record is still to
// come, or that wants no table. If there are too many, the oldest goes, and its table.
func (t *Tables) Early(b *bpf.Block) {
	if len(t.early) == maxEarly {
		t.Take(t.early[0].ID)
		t.early = append(t.early[:0], t.early[1:]...)
	}
	t.early = append(t.early, *b)
}

// Opened removes and returns the blocks that precede a connection: those with its number,
// or of its process and *tls.Conn. Without an entry of that the kernel may have taken it
// for a wrapper of the socket, and given the number of that.
func (t *Tables) Opened(pid int, conn, ptr uint64) (list []bpf.Block) {
	t.early = slices.DeleteFunc(t.early, func(b bpf.Block) bool {
		is := b.Conn == conn || ptr != 0 && b.PID == pid && slices.Contains(b.Behind[:], ptr)
		if is {
			list = append(list, b)
		}
		return is
	})
	return list
}
