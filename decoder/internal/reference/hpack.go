package reference

import (
	"golang.org/x/net/http2/hpack"
)

const staticEntries = 61 // RFC 7541 appendix A

// static returns an entry of the static table.
func static(i int) hpack.HeaderField {
	list, err := hpack.NewDecoder(0, nil).DecodeFull([]byte{0x80 | byte(i)})
	if err != nil {
		panic(err)
	}
	return list[0]
}

// table is the dynamic table of an encoder (RFC 7541 §2.3), the newest entry first.
type table struct {
	entries []entry
	max     int // its size
	allowed int // by the SETTINGS that its encoder has acknowledged
	least   int // allowed since the last block
}

// entry is one field. An observer may not know it.
type entry struct {
	hpack.HeaderField
	unknown bool
}

func (t *table) size() (n int) {
	for _, e := range t.entries {
		n += len(e.Name) + len(e.Value) + 32 // RFC 7541 §4.1
	}
	return n
}

func (t *table) evict() {
	for t.size() > t.max {
		t.entries = t.entries[:len(t.entries)-1]
	}
}

func (t *table) add(e entry) {
	t.entries = append([]entry{e}, t.entries...)
	t.evict()
}

// lose makes all entries unknown.
func (t *table) lose() {
	for i := range t.entries {
		t.entries[i].unknown = true
	}
}

// integer appends an integer with a prefix of some bits (RFC 7541 §5.1).
func integer(b []byte, first byte, bits, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(b, first|byte(n))
	}
	b = append(b, first|byte(most))
	for n -= most; n >= 128; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// text appends a string literal (RFC 7541 §5.2).
func (c *Conversation) text(b []byte, s string) []byte {
	if c.rng.IntN(2) == 0 {
		return append(integer(b, 0, 7, len(s)), s...)
	}
	h := hpack.AppendHuffmanString(nil, s)
	return append(integer(b, 0x80, 7, len(h)), h...)
}

// resize appends the size updates that begin a block (RFC 7541 §4.2).
func (c *Conversation) resize(t *table, b []byte) []byte {
	update := func(n int) {
		b = integer(b, 0x20, 5, n)
		t.max = n
		if t.evict(); n == 0 {
			t.entries = nil
		}
	}
	if t.least < t.max {
		update(t.least)
	}
	if t.max < t.allowed && c.rng.IntN(3) == 0 || t.max > t.allowed || c.rng.IntN(30) == 0 {
		update(c.rng.IntN(t.allowed + 1))
	}
	t.least = t.allowed
	return b
}

// index returns an index for a field whose name, or all of it, is in a table; 0 if it is in none.
func (t *table) index(of hpack.HeaderField, whole bool) (i int, unknown bool) {
	for i, e := range t.entries {
		if e.Name == of.Name && (!whole || e.Value == of.Value) {
			return staticEntries + 1 + i, e.unknown
		}
	}
	for i := 1; i <= staticEntries; i++ {
		if s := staticTable[i]; s.Name == of.Name && (!whole || s.Value == of.Value) {
			return i, false
		}
	}
	return 0, false
}

var staticTable = func() (all [staticEntries + 1]hpack.HeaderField) {
	for i := 1; i <= staticEntries; i++ {
		all[i] = static(i)
	}
	return all
}()

// encode returns a field block, and whether an observer does not know some of it.
func (c *Conversation) encode(t *table, fields []hpack.HeaderField) (b []byte, unknown bool) {
	b = c.resize(t, b)
	for i := range fields {
		f := &fields[i]
		whole, lost := t.index(*f, true)
		if whole > 0 && c.rng.IntN(4) > 0 {
			b = integer(b, 0x80, 7, whole)
			unknown = unknown || lost
			continue
		}
		name, lost := t.index(*f, false)
		if c.rng.IntN(5) == 0 {
			name, lost = 0, false
		}
		unknown = unknown || lost
		kind := c.rng.IntN(4)
		switch kind {
		case 0:
			b = integer(b, 0, 4, name) // not indexed (§6.2.2)
		case 1:
			b = integer(b, 0x10, 4, name) // never (§6.2.3)
			f.Sensitive = true
		default:
			b = integer(b, 0x40, 6, name)
		}
		if name == 0 {
			b = c.text(b, f.Name)
		}
		b = c.text(b, f.Value)
		if kind > 1 {
			t.add(entry{hpack.HeaderField{Name: f.Name, Value: f.Value}, lost})
		}
	}
	return b, unknown
}
