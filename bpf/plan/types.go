package plan

import (
	"bytes"
	"encoding/binary"
)

// Fields of internal/abi.Type, in every release from 1.18 to 1.27.
const (
	typeHash  = 16 // uint32
	typeKind  = 23 // uint8, the lower five bits
	typeStr   = 40 // int32, offset of the name from runtime.types
	typeSize  = 48
	typeAlign = 8

	kindMask    = 0x1f
	kindPointer = 22
)

// maxTypes bounds the type data that is read: the largest binaries have some
// 20 MB of it.
const maxTypes = 256 << 20

// pointerTypeHash returns the hash of a pointer type by its name, such as
// "*net.TCPConn", or 0 when the executable does not have it. No symbol names
// types, and since Go 1.27 none names itabs; but the linker marks where their
// descriptors and names lie, and a name leads to its descriptor.
func (e *executable) pointerTypeHash(name string) (uint32, error) {
	start, end := e.symbols[symTypes].Value, e.symbols[symETypes].Value
	if start == 0 || end <= start {
		return 0, nil
	}
	if end-start > maxTypes {
		return 0, notTraceable("damaged ELF file: %d bytes of types", end-start)
	}
	types, err := e.bytes(start, end-start)
	if err != nil {
		return 0, err
	}
	// A name is flags (1: exported), length and text (internal/abi.Name).
	str := bytes.Index(types, append([]byte{1, byte(len(name))}, name...))
	if str < 0 {
		return 0, nil
	}
	want := binary.LittleEndian.AppendUint32(nil, uint32(str))
	for at := 0; ; at++ {
		i := bytes.Index(types[at:], want)
		if i < 0 {
			return 0, nil
		}
		at += i
		typ := at - typeStr
		if typ < 0 || (start+uint64(typ))%typeAlign != 0 || typ+typeSize > len(types) {
			continue
		}
		if types[typ+typeKind]&kindMask == kindPointer {
			return binary.LittleEndian.Uint32(types[typ+typeHash:]), nil
		}
	}
}
