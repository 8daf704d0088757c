//go:build linux

package bpf

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// OpenStreams returns the addresses of the open streams of w's connection, for a
// WindowWish. The process changes them meanwhile, so each use checks the address
// again. It returns nothing if the map of streams was unreadable at that moment; a
// later attempt may succeed.
func (c *Connections) OpenStreams(pid int, w *Windows) (streams []uint64, ok bool) {
	m := memory{pid}
	for _, walk := range []func(memory, uint64) ([]mapEntry, bool){walkSwissMap, walkBucketMap} {
		entries, ok := walk(m, w.State.StreamsTable)
		if !ok {
			continue
		}
		streams = streams[:0]
		for _, e := range entries {
			if m.isStream(e, w) {
				streams = append(streams, e.elem)
			}
		}
		if len(streams) == len(entries) && len(streams) <= maxStreams {
			return streams, true
		}
	}
	return nil, false
}

// isStream reports whether a map entry leads to a stream of w.
func (m memory) isStream(e mapEntry, w *Windows) bool {
	connAt, idAt := w.layout.owned()
	conn, err := m.u64(e.elem + connAt)
	id, idErr := m.u64(e.elem + idAt)
	return err == nil && idErr == nil && conn == w.place.Owner && uint32(id) == e.key
}

// memory is the memory of another process.
type memory struct{ pid int }

var errShortRead = errors.New("memory of the process ends")

func (m memory) read(b []byte, addr uint64) error {
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	n, err := unix.ProcessVMReadv(m.pid, local, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(b)}}, 0)
	if err == nil && n < len(b) {
		return errShortRead
	}
	return err
}

func (m memory) u64(addr uint64) (uint64, error) {
	var b [8]byte
	err := m.read(b[:], addr)
	return binary.LittleEndian.Uint64(b[:]), err
}
