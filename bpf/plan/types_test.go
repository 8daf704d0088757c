package plan

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

// TestHashesIn finds a type whose name has an offset that stands in many other places.
func TestHashesIn(t *testing.T) {
	const name, offset, descriptor = "*net.TCPConn", 0x10000, 0x18000
	types := make([]byte, 0x20000)
	types[offset+1] = byte(len(name)) // after the flags
	copy(types[offset+2:], name)
	put := func(at int) { binary.LittleEndian.PutUint32(types[at+typeStr:], offset) }
	for at := 0; at < 0x8000; at += 64 { // in what is no descriptor, or has no hash
		put(at)
		if at%128 == 0 {
			types[at+typeKind] = kindPointer
		}
	}
	put(descriptor)
	types[descriptor+typeKind] = kindPointer
	binary.LittleEndian.PutUint32(types[descriptor+typeHash:], 0xfeedbeef)
	got, err := hashesIn(io.NewSectionReader(bytes.NewReader(types), 0, int64(len(types))), 0x400000, []typeName{{name: name, pointer: true}, {name: "*net.Conn"}})
	if err != nil || got[0] != 0xfeedbeef || got[1] != 0 {
		t.Errorf("got %#x, %v", got, err)
	}
}

// TestHashOfPackage finds the one of two types of a name that is of a package.
func TestHashOfPackage(t *testing.T) {
	const name, nameAt, path, fork, pathAt, forkAt = "*tls.Conn", 0x100, "crypto/tls", "fork.example/crypto/tls", 0x200, 0x300
	for _, order := range [][2]int{{0x800, 0x900}, {0x900, 0x800}} {
		types := make([]byte, 0x1000)
		for at, text := range map[int]string{nameAt: name, pathAt: path, forkAt: fork} {
			types[at+1] = byte(len(text))
			copy(types[at+2:], text)
		}
		for i, pkg := range []uint32{pathAt, forkAt} {
			descriptor := types[order[i]:]
			binary.LittleEndian.PutUint32(descriptor[typeStr:], nameAt)
			binary.LittleEndian.PutUint32(descriptor[typeHash:], 7+uint32(i))
			binary.LittleEndian.PutUint32(descriptor[ptrPkgPath:], pkg)
			descriptor[typeKind] = kindPointer
		}
		got, err := hashesIn(io.NewSectionReader(bytes.NewReader(types), 0, int64(len(types))), 0x400000, []typeName{{name, true, path}})
		if err != nil || got[0] != 7 {
			t.Errorf("at %#x: got %d, %v", order, got[0], err)
		}
	}
}
