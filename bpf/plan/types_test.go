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
	got, err := hashesIn(io.NewSectionReader(bytes.NewReader(types), 0, int64(len(types))), 0x400000, []typeName{{name, true}, {"*net.Conn", false}})
	if err != nil || got[0] != 0xfeedbeef || got[1] != 0 {
		t.Errorf("got %#x, %v", got, err)
	}
}
