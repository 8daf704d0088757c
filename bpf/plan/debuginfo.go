package plan

import (
	"debug/dwarf"
	"encoding/binary"
	"io"
)

const (
	// maxDWARF bounds the debugging information that is read for a layout, all
	// sections together and uncompressed. It is read only if no table has the layout.
	maxDWARF = 64 << 20
	// maxAbbreviations bounds the attributes in the tables of abbreviations:
	// debug/dwarf creates an entry for each, in every table at which a unit begins.
	maxAbbreviations = 1 << 20
	// maxAttributes bounds the attributes of one abbreviation: compilers write some
	// twenty.
	maxAttributes = 64
)

// debugInfo reads the debugging information of an executable. It returns nil when
// there is none or too much. debug/elf's own DWARF method would inflate every
// section, needed or not, whatever its size.
func (e *executable) debugInfo() *dwarf.Data {
	left := uint64(maxDWARF)
	sections := make(map[string][]byte)
	for _, name := range []string{"abbrev", "info", "str", "line_str", "str_offsets", "addr"} {
		b, ok := e.debugSection(name, left)
		if !ok {
			return nil
		}
		sections[name] = b
		left -= uint64(len(b))
	}
	if len(sections["info"]) == 0 || !fewAbbreviations(sections["info"], sections["abbrev"]) {
		return nil
	}
	d, err := dwarf.New(sections["abbrev"], nil, nil, sections["info"], nil, nil, nil, sections["str"])
	if err != nil {
		return nil // damaged, or of an unknown kind: treated as absent
	}
	for _, name := range []string{"line_str", "str_offsets", "addr"} {
		if d.AddSection(".debug_"+name, sections[name]) != nil {
			return nil
		}
	}
	return d
}

// debugSection returns the contents of a section, nil when it is absent. It reports
// whether they were readable, and at most limit bytes.
func (e *executable) debugSection(name string, limit uint64) ([]byte, bool) {
	if s := e.file.Section(".debug_" + name); s != nil {
		if s.Size > limit { // when compressed, the size that it states
			return nil, false
		}
		return readUpTo(s.Open(), s.Size)
	}
	// Compressed by Go 1.18, or by an older C compiler.
	s := e.file.Section(".zdebug_" + name)
	if s == nil {
		return nil, true
	}
	r := s.Open() // sets the size to that which the section states
	if s.Size > limit {
		return nil, false
	}
	return readUpTo(r, s.Size)
}

// readUpTo reads size bytes. A file that is shorter than it states takes no more
// memory than its real size.
func readUpTo(r io.Reader, size uint64) ([]byte, bool) {
	b, err := io.ReadAll(io.LimitReader(r, int64(size)))
	return b, err == nil && uint64(len(b)) == size
}

// fewAbbreviations reports whether debug/dwarf can safely read the tables of
// abbreviations (DWARF 5 §7.5.3). Units may begin at any place of one, and each place
// yields its own table.
func fewAbbreviations(info, abbrev []byte) bool {
	left := maxAbbreviations
	seen := make(map[uint64]bool)
	for len(info) > 0 {
		unit, rest, ok := nextUnit(info)
		if !ok {
			return false
		}
		info = rest
		at, ok := abbreviationsOf(unit)
		if !ok || at > uint64(len(abbrev)) {
			return false
		}
		if seen[at] {
			continue
		}
		seen[at] = true
		if left = countAbbreviations(abbrev[at:], left); left <= 0 {
			return false
		}
	}
	return true
}

// unit is a compilation unit (DWARF 5 §7.5.1) after its length.
type unit struct {
	data []byte
	is64 bool
}

// escape64 marks a 64-bit length (DWARF 5 §7.4).
const escape64 = 0xffffffff

func nextUnit(b []byte) (u unit, rest []byte, ok bool) {
	if len(b) < 4 {
		return u, nil, false
	}
	length := uint64(binary.LittleEndian.Uint32(b))
	b = b[4:]
	if length == escape64 {
		if len(b) < 8 {
			return u, nil, false
		}
		length, b, u.is64 = binary.LittleEndian.Uint64(b), b[8:], true
	}
	if length > uint64(len(b)) {
		return u, nil, false
	}
	u.data = b[:length]
	return u, b[length:], true
}

// abbreviationsOf returns where the abbreviations of a unit begin. The offset follows
// its version, and since DWARF 5 also its kind and the size of an address.
func abbreviationsOf(u unit) (at uint64, ok bool) {
	b := u.data
	if len(b) == 0 {
		return 0, true // padding
	}
	behind := 2
	if len(b) >= 2 && binary.LittleEndian.Uint16(b) >= 5 {
		behind = 4
	}
	switch {
	case u.is64 && len(b) >= behind+8:
		return binary.LittleEndian.Uint64(b[behind:]), true
	case !u.is64 && len(b) >= behind+4:
		return uint64(binary.LittleEndian.Uint32(b[behind:])), true
	}
	return 0, false
}

// formImplicitConst is the form whose value is in the abbreviation.
const formImplicitConst = 0x21

// countAbbreviations subtracts the attributes of a table from left. If the table ends
// too soon, debug/dwarf detects that itself.
func countAbbreviations(b []byte, left int) int {
	next := func() uint64 {
		v, n := binary.Uvarint(b) // LEB128 as in DWARF 5 §7.6
		if n <= 0 {
			b = nil
			return 0
		}
		b = b[n:]
		return v
	}
	for next() != 0 && left > 0 {
		next() // the tag
		if len(b) == 0 {
			break
		}
		b = b[1:] // whether it has children
		left--
		for n := 0; ; n++ {
			attribute, form := next(), next()
			if attribute == 0 && form == 0 {
				break
			}
			if left--; left <= 0 || n == maxAttributes {
				return 0
			}
			if form == formImplicitConst {
				next()
			}
		}
	}
	return left
}
