//go:build linux

package bpf

import "encoding/binary"

// mapEntry is an entry of a map[uint32]*T.
type mapEntry struct {
	key  uint32
	elem uint64
}

const (
	// maxMapEntries bounds how many entries of a map are read.
	maxMapEntries = 1024
	// mapSlots is how many entries a group or a bucket holds.
	mapSlots = 8
)

// walkSwissMap reads a map of Go 1.24 and newer (internal/runtime/maps.Map): a
// directory of tables of groups, or one group. It returns false for memory that is no
// such map, or that is being changed.
func walkSwissMap(m memory, addr uint64) ([]mapEntry, bool) {
	var head [32]byte
	if m.read(head[:], addr) != nil {
		return nil, false
	}
	used := binary.LittleEndian.Uint64(head[0:])
	dir, dirLen := binary.LittleEndian.Uint64(head[16:]), binary.LittleEndian.Uint64(head[24:])
	if used > maxMapEntries || dirLen > maxMapEntries {
		return nil, false
	}
	if used == 0 {
		return nil, true
	}
	var entries []mapEntry
	if dirLen == 0 {
		entries, ok := appendGroups(m, entries, dir, 1)
		return entries, ok && uint64(len(entries)) == used
	}
	last := uint64(0)
	for i := range dirLen {
		table, err := m.u64(dir + 8*i)
		if err != nil {
			return nil, false
		}
		if table == last {
			continue // a table can repeat, in consecutive entries
		}
		last = table
		groups, err := m.u64(table + 16)
		mask, maskErr := m.u64(table + 24)
		if err != nil || maskErr != nil || mask >= maxMapEntries {
			return nil, false
		}
		var ok bool
		if entries, ok = appendGroups(m, entries, groups, mask+1); !ok {
			return nil, false
		}
	}
	return entries, uint64(len(entries)) == used
}

// appendGroups reads n groups. Each has eight control bytes, whose highest bit marks
// a free slot, and eight slots of key and element.
func appendGroups(m memory, entries []mapEntry, addr, n uint64) ([]mapEntry, bool) {
	const size = mapSlots + mapSlots*16
	b := make([]byte, n*size)
	if m.read(b, addr) != nil {
		return nil, false
	}
	for ; len(b) > 0; b = b[size:] {
		for i := range mapSlots {
			if slot := b[mapSlots+16*i:]; b[i]&0x80 == 0 {
				entries = append(entries, mapEntry{
					binary.LittleEndian.Uint32(slot), binary.LittleEndian.Uint64(slot[8:]),
				})
			}
		}
	}
	return entries, true
}

// walkBucketMap reads a map of Go 1.23 and older (runtime.hmap): buckets with
// overflow buckets, and while it grows also the old ones.
func walkBucketMap(m memory, addr uint64) ([]mapEntry, bool) {
	var head [32]byte
	if m.read(head[:], addr) != nil {
		return nil, false
	}
	count, b := binary.LittleEndian.Uint64(head[0:]), head[9]
	buckets, old := binary.LittleEndian.Uint64(head[16:]), binary.LittleEndian.Uint64(head[24:])
	if count > maxMapEntries || b > 10 {
		return nil, false
	}
	if count == 0 {
		return nil, true
	}
	entries, ok := appendBuckets(m, nil, buckets, 1<<b)
	if ok && old != 0 {
		const sameSize = 8 // a flag: it grows without getting larger
		n := uint64(1) << b
		if head[8]&sameSize == 0 {
			n /= 2
		}
		entries, ok = appendBuckets(m, entries, old, n)
	}
	return entries, ok && uint64(len(entries)) == count
}

// appendBuckets reads n buckets and their overflow buckets: the top bytes of eight
// hashes, eight keys, eight elements, the next bucket.
func appendBuckets(m memory, entries []mapEntry, addr, n uint64) ([]mapEntry, bool) {
	const (
		keys     = mapSlots
		elems    = keys + mapSlots*4
		overflow = elems + mapSlots*8
		size     = overflow + 8
		full     = 5 // runtime.minTopHash
	)
	var b [size]byte
	read := 0
	for i := range n {
		for at := addr + i*size; at != 0; at = binary.LittleEndian.Uint64(b[overflow:]) {
			if read++; read > 4*maxMapEntries || m.read(b[:], at) != nil {
				return nil, false
			}
			for j := range mapSlots {
				if b[j] >= full {
					entries = append(entries, mapEntry{
						binary.LittleEndian.Uint32(b[keys+4*j:]), binary.LittleEndian.Uint64(b[elems+8*j:]),
					})
				}
			}
		}
	}
	return entries, true
}
