package kerneltypes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/cilium/ebpf/btf"
)

// BTF is described in Documentation/bpf/btf.rst of Linux. A header is followed by the
// types, whose ids count from 1 in their order, and by the strings.
const (
	magic      = 0xeb9f
	version    = 1
	headerSize = 24
	recordSize = 12 // of what all types have in common
)

// The kinds of types (BTF_KIND_*).
const (
	kindInt = iota + 1
	kindPtr
	kindArray
	kindStruct
	kindUnion
	kindEnum
	kindFwd
	kindTypedef
	kindVolatile
	kindConst
	kindRestrict
	kindFunc
	kindFuncProto
	kindVar
	kindDatasec
	kindFloat
	kindDeclTag
	kindTypeTag
	kindEnum64
)

// Of each kind, the bytes that follow a record: of the type itself, and of each of its
// members.
var (
	extraSize  = [32]uint32{kindInt: 4, kindArray: 12, kindVar: 4, kindDeclTag: 4}
	memberSize = [32]uint32{
		kindStruct: 12, kindUnion: 12, kindEnum: 8, kindFuncProto: 8, kindDatasec: 12, kindEnum64: 12,
	}
)

// record is the raw BTF of one type.
type record []byte

func (r record) name() uint32    { return binary.NativeEndian.Uint32(r) }
func (r record) info() uint32    { return binary.NativeEndian.Uint32(r[4:]) }
func (r record) kind() uint32    { return r.info() >> 24 & 0x1f }
func (r record) members() uint32 { return r.info() & 0xffff }

func (r record) size() uint32 {
	return recordSize + extraSize[r.kind()] + memberSize[r.kind()]*r.members()
}

var errMalformed = errors.New("malformed BTF")

// selection copies types out of BTF. A copied type gets the next id when it is first
// referred to.
type selection struct {
	types, strings []byte
	offsets        []uint32 // of types, by id
	newIDs         map[uint32]uint32
	queue          []uint32 // the ids that are being copied, in the order of their new ids
	newNames       map[uint32]uint32
	names          []byte // the strings of the copies
}

func newSelection(raw []byte) (*selection, error) {
	if len(raw) < headerSize || binary.NativeEndian.Uint16(raw) != magic {
		return nil, errMalformed
	}
	header := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(raw[at:])) }
	size := header(4)
	section := func(at int) []byte {
		from, length := size+header(at), header(at+4)
		if from+length > uint64(len(raw)) {
			return nil
		}
		return raw[from : from+length]
	}
	s := &selection{
		types: section(8), strings: section(16),
		newIDs: map[uint32]uint32{0: 0}, newNames: map[uint32]uint32{0: 0}, names: []byte{0},
	}
	// Names then end within the section.
	if len(s.strings) == 0 || s.strings[len(s.strings)-1] != 0 || len(s.types) > math.MaxInt32 {
		return nil, errMalformed
	}
	return s, nil
}

// beginnings are the first two bytes of names. Few types have a name that begins as
// one that is looked for.
type beginnings [1 << 16]bool

func beginningsOf(names map[string]bool) *beginnings {
	var b beginnings
	for name := range names {
		b[binary.NativeEndian.Uint16([]byte(name+"\x00\x00"))] = true
	}
	return &b
}

// find selects the types with certain names. A name counts without its flavor, as in
// CO-RE: up to the last "___". It enters the ids of targets.
func (s *selection) find(names, targets map[string]bool, ids map[string]btf.TypeID) error {
	s.offsets = append(make([]uint32, 0, len(s.types)/24), 0) // void has no record
	likelyName, likelyTarget := beginningsOf(names), beginningsOf(targets)
	for at := 0; at < len(s.types); {
		if len(s.types)-at < recordSize {
			return errMalformed
		}
		r := record(s.types[at:])
		id := uint32(len(s.offsets))
		s.offsets = append(s.offsets, uint32(at))
		at += int(r.size())
		if at > len(s.types) {
			return errMalformed
		}
		var isName, isTarget bool
		switch r.kind() {
		case kindFunc:
			isTarget = s.begins(r, likelyTarget)
		case kindTypedef:
			isName, isTarget = s.begins(r, likelyName), s.begins(r, likelyTarget)
		case kindStruct, kindUnion, kindEnum, kindEnum64, kindInt:
			isName = s.begins(r, likelyName)
		}
		if !isName && !isTarget {
			continue
		}
		name, err := s.text(r.name())
		if err != nil {
			return err
		}
		if isTarget && targets[string(name)] {
			ids[string(name)] = btf.TypeID(id)
		}
		if i := bytes.LastIndex(name, []byte("___")); i > 0 {
			name = name[:i]
		}
		if isName && names[string(name)] {
			s.newID(id)
		}
	}
	return nil
}

// begins reports whether the name of a type begins in one of these ways.
func (s *selection) begins(r record, likely *beginnings) bool {
	name := int64(r.name())
	return name+1 < int64(len(s.strings)) && likely[binary.NativeEndian.Uint16(s.strings[name:])]
}

// text returns the string at an offset.
func (s *selection) text(at uint32) ([]byte, error) {
	if int64(at) >= int64(len(s.strings)) {
		return nil, errMalformed
	}
	text := s.strings[at:]
	return text[:bytes.IndexByte(text, 0)], nil
}
