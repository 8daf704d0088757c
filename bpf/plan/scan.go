package plan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// chunkSize is how much of an executable is held in memory at a time: tables of the
// largest ones have 100 MB.
const chunkSize = 256 << 10

// scan looks for the patterns in the first size bytes of r. It calls visit with the
// index of the pattern and its offset, until visit returns false. Offsets of one
// pattern come in ascending order.
func scan(r io.ReaderAt, size int64, patterns [][]byte, visit func(pattern int, at int64) bool) error {
	overlap := 0
	for _, p := range patterns {
		overlap = max(overlap, len(p)-1)
	}
	buf := make([]byte, min(size, int64(chunkSize+overlap)))
	for base := int64(0); base < size; base += chunkSize {
		chunk := buf[:min(size-base, int64(len(buf)))]
		if err := readFull(r, chunk, base); err != nil {
			return err
		}
		for i, p := range patterns {
			// A match that begins in the overlap belongs to the next chunk.
			for at := 0; at < chunkSize; at++ {
				n := bytes.Index(chunk[at:], p)
				if n < 0 || at+n >= chunkSize {
					break
				}
				at += n
				if !visit(i, base+int64(at)) {
					return nil
				}
			}
		}
	}
	return nil
}

// scanTexts is scan for texts of which each ends in its only NUL. It passes over a table
// of NUL-terminated strings once, however many texts there are.
func scanTexts(r io.ReaderAt, size int64, texts [][]byte, visit func(text int, at int64) bool) error {
	byEnd := make(map[uint32][]int, len(texts))
	overlap := 0
	for i, text := range texts {
		overlap = max(overlap, len(text)-1)
		byEnd[endOf(text)] = append(byEnd[endOf(text)], i)
	}
	short := byEnd[0]
	buf := make([]byte, min(size, int64(chunkSize+overlap)))
	for base := int64(0); base < size; base += chunkSize {
		chunk := buf[:min(size-base, int64(len(buf)))]
		if err := readFull(r, chunk, base); err != nil {
			return err
		}
		for end := 0; ; {
			n := bytes.IndexByte(chunk[end:], 0) + 1
			if n == 0 {
				break
			}
			end += n
			candidates := byEnd[endOf(chunk[:end])]
			if len(short) > 0 && endOf(chunk[:end]) != 0 {
				candidates = slices.Concat(candidates, short)
			}
			for _, i := range candidates {
				// A text that begins in the overlap belongs to the next chunk.
				at := end - len(texts[i])
				if at < chunkSize && bytes.HasSuffix(chunk[:end], texts[i]) && !visit(i, base+int64(at)) {
					return nil
				}
			}
		}
	}
	return nil
}

// endOf returns the last bytes of a text before its NUL, by which scanTexts finds it.
// Texts that differ may share them. It returns 0 for a text that has fewer.
func endOf(text []byte) uint32 {
	const size = 4
	if len(text) <= size {
		return 0
	}
	return binary.NativeEndian.Uint32(text[len(text)-1-size:])
}

// readFull fills b from off.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return notTraceable("damaged ELF file: it ends inside of a table")
	}
	return err
}

// window reads a table from its start to its end with few system calls.
type window struct {
	r    io.ReaderAt
	size int64 // of the table
	base int64 // of the contents of buf
	buf  []byte
}

// bytes returns n bytes at off, valid until the next call. Offsets must ascend, or a
// damaged table could make each call read a chunk.
func (w *window) bytes(off, n int64) ([]byte, error) {
	if off < w.base || off > w.size || n > w.size-off {
		return nil, notTraceable("damaged ELF file: a table points outside of itself")
	}
	if off+n > w.base+int64(len(w.buf)) {
		if w.buf == nil {
			w.buf = make([]byte, min(chunkSize, w.size))
		}
		w.buf = w.buf[:min(int64(cap(w.buf)), w.size-off)]
		w.base = off
		if err := readFull(w.r, w.buf, off); err != nil {
			w.buf = w.buf[:0]
			return nil, err
		}
	}
	return w.buf[off-w.base:][:n], nil
}
