package plan

import (
	"encoding/binary"
	"io"
)

// Fields of internal/abi.Type, in every release from 1.18 to 1.27.
const (
	typeHash  = 16 // uint32
	typeKind  = 23 // uint8, the lower five bits
	typeStr   = 40 // int32, offset of the name from runtime.types
	typeSize  = 48
	typeAlign = 8
	// ptrPkgPath is the place of UncommonType.PkgPath after an abi.PtrType: an offset as
	// typeStr.
	ptrPkgPath = typeSize + 8

	// maxTypeTries bounds, for each name, the places that may hold its offset. An offset
	// such as 0x10000 stands in many other places, too. A try takes half a microsecond.
	maxTypeTries = 1 << 15

	kindMask    = 0x1f
	kindPointer = 22
)

// typeName names a type. In the type data the name is that of the pointer, even if
// the type is none.
type typeName struct {
	name    string
	pointer bool
	// path is the import path of its package, or "" where the name tells enough. It is
	// that of a pointer to a type with methods.
	path string
}

// typeHashes returns the hashes of types by their names, 0 for those that the
// executable lacks. No symbol names types, and since Go 1.27 none names itabs. But
// the linker marks where their descriptors and names are, and a name leads to its
// descriptor.
func (e *executable) typeHashes(wanted []typeName) ([]uint32, error) {
	types, start, err := e.types()
	if types == nil || err != nil {
		return make([]uint32, len(wanted)), err
	}
	return hashesIn(types, start, wanted)
}

// hashesIn finds the hashes in type data that begins at an address.
func hashesIn(types *io.SectionReader, start uint64, wanted []typeName) ([]uint32, error) {
	hashes := make([]uint32, len(wanted))
	strs, of, err := findTypeNames(types, wanted)
	if err != nil {
		return nil, err
	}
	tries, left := make([]int, len(strs)), len(strs)
	typ := make([]byte, typeSize)
	err = scan(types, types.Size(), strs, func(p int, at int64) bool {
		at -= typeStr
		hash := &hashes[of[p]]
		if *hash != 0 || tries[p] == maxTypeTries || at < 0 || (start+uint64(at))%typeAlign != 0 {
			return true
		}
		if tries[p]++; readFull(types, typ, at) != nil {
			return true
		}
		kind, found := typ[typeKind]&kindMask, binary.LittleEndian.Uint32(typ[typeHash:])
		if kind != 0 && found != 0 && (kind == kindPointer) == wanted[of[p]].pointer && isOf(types, at, wanted[of[p]].path) {
			*hash = found
			left--
		}
		return left > 0
	})
	return hashes, err
}

// isOf reports whether the pointer type at an offset is of a package. Where path is "",
// each is.
func isOf(types *io.SectionReader, at int64, path string) bool {
	if path == "" {
		return true
	}
	var name [4]byte
	if readFull(types, name[:], at+ptrPkgPath) != nil {
		return false
	}
	text := make([]byte, 1+len(path)) // after the flags
	err := readFull(types, text, int64(binary.LittleEndian.Uint32(name[:]))+1)
	return err == nil && int(text[0]) == len(path) && string(text[1:]) == path
}

// findTypeNames returns the offsets of the names found, as in descriptors, and the
// index of each.
func findTypeNames(types *io.SectionReader, wanted []typeName) (strs [][]byte, of []int, err error) {
	// A name is flags, length and text (internal/abi.Name).
	names := make([][]byte, len(wanted))
	for i, w := range wanted {
		names[i] = append([]byte{byte(len(w.name))}, w.name...)
	}
	found := make([]bool, len(wanted))
	err = scan(types, types.Size(), names, func(i int, at int64) bool {
		if !found[i] {
			found[i] = true
			strs, of = append(strs, binary.LittleEndian.AppendUint32(nil, uint32(at-1))), append(of, i)
		}
		return len(of) < len(wanted)
	})
	return strs, of, err
}

// types returns the type data of the executable and its address, nil where they are
// unknown.
func (e *executable) types() (*io.SectionReader, uint64, error) {
	start, end := e.symbols[symTypes].addr, e.symbols[symETypes].addr
	if start == 0 || end <= start {
		return nil, 0, nil
	}
	if end-start > maxTable {
		return nil, 0, notTraceable("damaged ELF file: %d bytes of types", end-start)
	}
	seg, base, err := atAddr(e.file, start, end-start)
	if err != nil {
		return nil, 0, err
	}
	return io.NewSectionReader(seg, base, int64(end-start)), start, nil
}

// Types are the hashes of types that lead to a socket, 0 where the executable has no
// such type. They differ between releases.
type Types struct {
	TCPConnHash uint32 // of *net.TCPConn, in the itab of every interface that holds one
	ConnHash    uint32 // of net.Conn, the interface
	RawConnHash uint32 // of *net.rawConn, the syscall.RawConn of a connection
	TLSConnHash uint32 // of *tls.Conn of crypto/tls
	// OldFields says that the type data has the field format of Go 1.18.
	OldFields bool
}

// connTypes are the names of those types, in their order.
var connTypes = []typeName{
	{name: "*net.TCPConn", pointer: true},
	{name: "*net.Conn"},
	{name: "*net.rawConn", pointer: true},
	{name: "*tls.Conn", pointer: true, path: "crypto/tls"},
}

// planTypes adds the types that lead to the socket of a connection, and the types of
// errors of a handshake.
func (e *executable) planTypes() (Types, []ErrorType, error) {
	wanted := connTypes[:len(connTypes):len(connTypes)]
	for _, t := range errorTypes {
		wanted = append(wanted, t.typeName)
	}
	hashes, err := e.typeHashes(wanted)
	if err != nil {
		return Types{}, nil, err
	}
	t := Types{hashes[0], hashes[1], hashes[2], hashes[3], goMinor(e.goVersion) == 18}
	return t, knownErrors(hashes[len(connTypes):]), nil
}
