package kerneltypes

import "encoding/binary"

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
