package decoder

import "golang.org/x/net/http2/hpack"

// staticTable is RFC 7541 appendix A, from index 1 on.
var staticTable = func() (table [staticEntries + 1]hpack.HeaderField) {
	for i := range staticEntries {
		fields, err := hpack.NewDecoder(0, nil).DecodeFull([]byte{0x80 | byte(i+1)})
		if err != nil {
			panic(err) // no input leads here
		}
		table[i+1] = fields[0]
	}
	return table
}()

// dynamicTable is the dynamic table of RFC 7541 §2.3.2. That of
// golang.org/x/net/http2/hpack moves all entries for each eviction: with a table of 64 kB,
// 3 bytes of a block cost 5 µs, and the exit status of COMMAND waited for that.
type dynamicTable struct {
	entries   []entry // the oldest is at index first
	first     int
	size, max uint32 // RFC 7541 §4.1
}

// entry is one field in the table.
type entry struct {
	name, value string
	nameless    bool // its name is unknown
}

func (e *entry) size() uint32 { return uint32(len(e.name) + len(e.value) + 32) }

// at returns the entry with an index, or nil. The newest entry has index 1.
func (d *dynamicTable) at(index uint64) *entry {
	if index > uint64(len(d.entries)-d.first) {
		return nil
	}
	return &d.entries[len(d.entries)-int(index)]
}

// add inserts an entry. An entry larger than the table empties it (RFC 7541 §4.4).
func (d *dynamicTable) add(e entry) {
	if len(d.entries) == cap(d.entries) && d.first > len(d.entries)/2 {
		n := copy(d.entries, d.entries[d.first:])
		clear(d.entries[n:])
		d.entries, d.first = d.entries[:n], 0
	}
	d.entries = append(d.entries, e)
	d.size += e.size()
	d.evict()
}

// resize sets the maximum size (RFC 7541 §4.3).
func (d *dynamicTable) resize(limit uint32) {
	d.max = limit
	d.evict()
}

func (d *dynamicTable) evict() {
	for d.size > d.max {
		d.size -= d.entries[d.first].size()
		d.entries[d.first] = entry{}
		d.first++
	}
	if d.first == len(d.entries) {
		d.entries, d.first = d.entries[:0], 0
	}
}
