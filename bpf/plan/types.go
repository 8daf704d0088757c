package plan

import "encoding/binary"

// Fields of internal/abi.Type, in every release from 1.18 to 1.27.
const (
	typeHash  = 16 // uint32
	typeKind  = 23 // uint8, the lower five bits
	typeStr   = 40 // int32, offset of the name from runtime.types
	typeSize  = 48
	typeAlign = 8

	// maxTypeTries bounds the places where a name's offset seems to stand.
	maxTypeTries = 64

	kindMask    = 0x1f
	kindPointer = 22
)

// pointerTypeHash returns the hash of a pointer type by its name, such as
// "*net.TCPConn", or 0 when the executable does not have it. No symbol names
// types, and since Go 1.27 none names itabs; but the linker marks where their
// descriptors and names lie, and a name leads to its descriptor.
func (e *executable) pointerTypeHash(name string) (uint32, error) {
	types, start, err := e.types()
	if types == nil || err != nil {
		return 0, err
	}
	// A name is flags (1: exported), length and text (internal/abi.Name).
	var str []byte
	err = scan(types, types.Size(), [][]byte{append([]byte{1, byte(len(name))}, name...)}, func(_ int, at int64) bool {
		str = binary.LittleEndian.AppendUint32(nil, uint32(at))
		return false
	})
	if err != nil || str == nil {
		return 0, err
	}
	var hash uint32
	tries := 0
	typ := make([]byte, typeSize)
	err = scan(types, types.Size(), [][]byte{str}, func(_ int, at int64) bool {
		at -= typeStr
		if at < 0 || (start+uint64(at))%typeAlign != 0 {
			return true
		}
		tries++
		if readFull(types, typ, at) == nil && typ[typeKind]&kindMask == kindPointer {
			hash = binary.LittleEndian.Uint32(typ[typeHash:])
		}
		return hash == 0 && tries < maxTypeTries
	})
	return hash, err
}
