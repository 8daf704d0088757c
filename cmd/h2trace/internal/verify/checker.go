// Package verify compares the header lists that h2trace decodes with the fields that
// the observed process itself has encoded or decoded.
//
// The process's fields come as lists, one for each fragment of a field block (RFC
// 9113 §4.3). A list belongs to a block from the wire when stream, bytes and position
// agree, in the order of both. A list or block without a counterpart is counted,
// never silently dropped. Memory is bounded: what exceeds it is not checked, and
// counted as unchecked.
package verify

import (
	"golang.org/x/net/http2/hpack"

	"h2trace/bpf"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
)

const (
	// maxLists bounds the lists that are held, over all connections.
	maxLists = 8192
	// maxBytes bounds the fields in them, counted as in RFC 9113 §6.5.2.
	maxBytes = 32 << 20
)

// Totals is the result of verification.
type Totals struct {
	// Blocks were compared, with their Fields. In Mismatches of the blocks something
	// differed.
	Blocks, Fields, Mismatches uint64
	// Unchecked are blocks that were not compared. Either there was a loss, or they
	// began before the capture, or the process does not report its fields, or their
	// list was too long.
	Unchecked uint64
}

// Difference is the first field of a block that differs. Want is the field that the
// process itself has encoded or decoded, Got that of h2trace; nil where the list has
// ended.
type Difference struct {
	Time      ktime.Time
	Dir       decoder.Direction
	Stream    uint32
	Index     int
	Want, Got *hpack.HeaderField
}

// Checker holds the reports of all connections until it compares them. It is not safe
// for concurrent use.
type Checker struct {
	Totals
	lists map[uint64]*list
	order []uint64 // the keys of lists, oldest first, with some that are gone
	bytes int
}

// NewChecker returns a Checker.
func NewChecker() *Checker { return &Checker{lists: make(map[uint64]*list)} }

// list holds the fields of one fragment of a block.
type list struct {
	bpf.List
	fields []hpack.HeaderField
	part   []byte // of the current field, name and value joined
	bytes  int
	// broken says that fields are missing.
	broken bool
	// compared is set when the block was compared, and further fields would be too
	// many.
	compared *block
	conn     *Conn
}

// Field takes a field that the process encoded or decoded.
func (k *Checker) Field(f *bpf.Field) {
	l := k.get(f.List)
	if l.broken {
		return
	}
	if int(f.Index) != len(l.fields) || int(f.At) != len(l.part) {
		k.drop(l)
		return
	}
	name, value := f.Name, f.Value
	if !f.Whole {
		l.part = append(l.part, f.Text...)
		k.hold(l, len(f.Text))
		if uint64(len(l.part)) < uint64(f.NameLen)+uint64(f.ValueLen) {
			return
		}
		name, value = string(l.part[:f.NameLen]), string(l.part[f.NameLen:])
		l.part = nil
	} else {
		k.hold(l, len(name)+len(value))
	}
	k.hold(l, 32)
	l.fields = append(l.fields, hpack.HeaderField{Name: name, Value: value, Sensitive: f.Sensitive})
	if l.conn != nil {
		l.conn.more(l)
	}
}

// get returns a list, and creates it if it is new.
func (k *Checker) get(id uint64) *list {
	if l := k.lists[id]; l != nil {
		return l
	}
	for len(k.lists) >= maxLists || k.bytes > maxBytes && len(k.lists) > 0 {
		oldest := k.order[0]
		k.order = k.order[1:]
		if l := k.lists[oldest]; l != nil {
			k.forget(l)
		}
	}
	if len(k.order) >= 2*maxLists {
		k.compact()
	}
	l := &list{List: bpf.List{ID: id}}
	k.lists[id] = l
	k.order = append(k.order, id)
	return l
}

// compact removes dropped keys from order.
func (k *Checker) compact() {
	kept := k.order[:0]
	for _, id := range k.order {
		if k.lists[id] != nil {
			kept = append(kept, id)
		}
	}
	k.order = kept
}

func (k *Checker) hold(l *list, n int) {
	l.bytes += n
	k.bytes += n
}

// drop discards the fields of a list.
func (k *Checker) drop(l *list) {
	k.bytes -= l.bytes
	l.fields, l.part, l.bytes, l.broken = nil, nil, 0, true
}

// forget removes a list, which is then useless to its owner.
func (k *Checker) forget(l *list) {
	k.drop(l)
	delete(k.lists, l.ID)
}
