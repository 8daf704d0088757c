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

// find selects the types with certain names. A name counts without its flavor, as in
// CO-RE: up to the last "___". It enters the ids of targets.
func (s *selection) find(names, targets map[string]bool, ids map[string]btf.TypeID) error {
	s.offsets = append(make([]uint32, 0, len(s.types)/24), 0) // void has no record
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
		switch r.kind() {
		case kindStruct, kindUnion, kindEnum, kindEnum64, kindTypedef, kindInt:
			name, err := s.text(r.name())
			if err != nil {
				return err
			}
			if r.kind() == kindTypedef && targets[string(name)] {
				ids[string(name)] = btf.TypeID(id)
			}
			if i := bytes.LastIndex(name, []byte("___")); i > 0 {
				name = name[:i]
			}
			if names[string(name)] {
				s.newID(id)
			}
		case kindFunc:
			name, err := s.text(r.name())
			if err != nil {
				return err
			}
			if targets[string(name)] {
				ids[string(name)] = btf.TypeID(id)
			}
		}
	}
	return nil
}

// text returns the string at an offset.
func (s *selection) text(at uint32) ([]byte, error) {
	if int64(at) >= int64(len(s.strings)) {
		return nil, errMalformed
	}
	text := s.strings[at:]
	return text[:bytes.IndexByte(text, 0)], nil
}

// newID returns the id of the copy of a type. A function type is copied as void: only
// pointers and parameters have one.
func (s *selection) newID(id uint32) uint32 {
	copied, ok := s.newIDs[id]
	if !ok {
		if int64(id) < int64(len(s.offsets)) && record(s.types[s.offsets[id]:]).kind() == kindFuncProto {
			return 0
		}
		copied = uint32(len(s.newIDs))
		s.newIDs[id] = copied
		s.queue = append(s.queue, id)
	}
	return copied
}

// newName returns the offset of the copy of a name.
func (s *selection) newName(at uint32) (uint32, error) {
	if copied, ok := s.newNames[at]; ok {
		return copied, nil
	}
	text, err := s.text(at)
	if err != nil {
		return 0, err
	}
	copied := uint32(len(s.names))
	s.names = append(append(s.names, text...), 0)
	s.newNames[at] = copied
	return copied, nil
}

// marshal copies the selected types, and what they embed, into BTF of their own.
func (s *selection) marshal() ([]byte, error) {
	var types []byte
	for i := 0; i < len(s.queue); i++ { // copying extends the queue
		if int64(s.queue[i]) >= int64(len(s.offsets)) {
			return nil, errMalformed
		}
		r := record(s.types[s.offsets[s.queue[i]]:])
		from := len(types)
		types = append(types, r[:r.size()]...)
		if err := s.relabel(record(types[from:])); err != nil {
			return nil, err
		}
	}
	header := binary.NativeEndian.AppendUint16(make([]byte, 0, headerSize+len(types)+len(s.names)), magic)
	header = append(header, version, 0)
	for _, n := range []int{headerSize, 0, len(types), len(types), len(s.names)} {
		header = binary.NativeEndian.AppendUint32(header, uint32(n))
	}
	return append(append(header, types...), s.names...), nil
}

// relabel replaces the ids and names in the copy of a record by new ones.
func (s *selection) relabel(r record) error {
	if err := s.rename(r); err != nil {
		return err
	}
	rest := r[recordSize:]
	switch r.kind() {
	case kindPtr:
		binary.NativeEndian.PutUint32(r[8:], 0)
	case kindTypedef, kindVolatile, kindConst, kindRestrict, kindTypeTag:
		s.redirect(r[8:])
	case kindArray:
		s.redirect(rest)
		s.redirect(rest[4:])
	case kindStruct, kindUnion:
		for ; len(rest) > 0; rest = rest[12:] {
			if err := s.rename(rest); err != nil {
				return err
			}
			s.redirect(rest[4:])
		}
	case kindEnum, kindEnum64:
		for size := memberSize[r.kind()]; len(rest) > 0; rest = rest[size:] {
			if err := s.rename(rest); err != nil {
				return err
			}
		}
	case kindInt, kindFwd, kindFloat:
	default: // no field of a struct has such a type
		return errMalformed
	}
	return nil
}

// rename replaces the name that b begins with.
func (s *selection) rename(b []byte) error {
	name, err := s.newName(binary.NativeEndian.Uint32(b))
	if err == nil {
		binary.NativeEndian.PutUint32(b, name)
	}
	return err
}

// redirect replaces the type id that b begins with.
func (s *selection) redirect(b []byte) {
	binary.NativeEndian.PutUint32(b, s.newID(binary.NativeEndian.Uint32(b)))
}
