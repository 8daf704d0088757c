package plan

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
)

// The function table that every Go program needs at run time, for its stack
// traces and its garbage collector. So a stripped program has it, too.
// Its header is runtime.pcHeader, in every release from 1.18 to 1.27:
//
//	magic u32, 0, 0, minLC u8, ptrSize u8, nfunc, nfiles, textStart u64,
//	offsets of funcnametab, cutab, filetab, pctab and pclntable, u64 each
//
// minLC is the size of the smallest instruction, ptrSize 8. textStart is 0 since 1.26, and in a PIE a
// relocation sets it: moduledata has the value.
const (
	pclntabHeader = 72
	magicGo118    = 0xf0 // 1.18 and 1.19
	magicGo120    = 0xf1 // 1.20 and newer

	// maxFunctions bounds the table: the largest binaries have 500,000.
	maxFunctions = 1 << 24
)

// pclntab is a function table.
type pclntab struct {
	io.ReaderAt        // from its header on
	addr        uint64 // of its header
	size        int64  // to the end of its segment
	magic       byte
	nfunc       int64
	// Parts, from the header: names [names, namesEnd), and the table of functions
	// with their descriptions from functab on.
	names, namesEnd, functab int64
}

// pclntabMagic returns how the table of a release begins, before nfunc.
func pclntabMagic(release byte, m *machine) []byte {
	return []byte{release, 0xff, 0xff, 0xff, 0, 0, m.smallest, 8}
}

// findPclntab finds the function table by its section, or by its header where the
// system's linker merged it into another section; nil when there is none.
func findPclntab(f *elf.File, m *machine) (*pclntab, error) {
	for _, s := range f.Sections {
		if s.Name == ".gopclntab" || s.Name == ".data.rel.ro.gopclntab" {
			for _, p := range f.Progs {
				if t := pclntabAt(p, m, int64(s.Addr-p.Vaddr)); t != nil {
					return t, nil
				}
			}
		}
	}
	headers := [][]byte{pclntabMagic(magicGo120, m), pclntabMagic(magicGo118, m)}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X != 0 || p.Filesz > maxTable {
			continue
		}
		var found *pclntab
		err := scan(p, int64(p.Filesz), headers, func(_ int, at int64) bool {
			found = pclntabAt(p, m, at)
			return found == nil
		})
		if err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// pclntabAt returns the table whose header is at an offset of a segment, or nil when
// there is none.
func pclntabAt(p *elf.Prog, m *machine, at int64) *pclntab {
	if p.Type != elf.PT_LOAD || at < 0 || p.Filesz > 1<<62 || at > int64(p.Filesz)-pclntabHeader {
		return nil
	}
	size := int64(p.Filesz) - at
	h := make([]byte, pclntabHeader)
	if readFull(p, h, at) != nil || !bytes.Equal(h[:8], pclntabMagic(h[0], m)) || (h[0] != magicGo118 && h[0] != magicGo120) {
		return nil
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(h[8*i:]) }
	// In the order of the file: names, cutab, filetab, pctab, pclntable.
	before := uint64(pclntabHeader)
	for i := 4; i <= 8; i++ {
		if word(i) < before || word(i) > uint64(size) {
			return nil
		}
		before = word(i)
	}
	t := &pclntab{
		ReaderAt: io.NewSectionReader(p, at, size),
		addr:     p.Vaddr + uint64(at),
		size:     size,
		magic:    h[0],
		nfunc:    int64(min(word(1), maxFunctions+1)),
		names:    int64(word(4)),
		namesEnd: int64(word(5)),
		functab:  int64(word(8)),
	}
	if t.nfunc == 0 || t.nfunc > maxFunctions || t.functab+8*t.nfunc+4 > size {
		return nil
	}
	return t
}

// textRange returns where the code of the first function begins and that of
// the last ends, as offsets from the start of the text.
func (t *pclntab) textRange() (first, end uint32, err error) {
	b := make([]byte, 4)
	if err := readFull(t, b, t.functab); err != nil {
		return 0, 0, err
	}
	first = binary.LittleEndian.Uint32(b)
	if err := readFull(t, b, t.functab+8*t.nfunc); err != nil {
		return 0, 0, err
	}
	return first, binary.LittleEndian.Uint32(b), nil
}

// symbols looks functions up by their names. The table gives the beginning of a
// function; it ends where the next one begins, padding included.
func (t *pclntab) symbols(names []string, text uint64) (map[string]symbol, error) {
	places, err := namePlaces(io.NewSectionReader(t, t.names, t.namesEnd-t.names), t.namesEnd-t.names, names)
	if err != nil {
		return nil, err
	}
	found := make(map[string]symbol, len(names))
	size := t.size - t.functab
	table := io.NewSectionReader(t, t.functab, size)
	entries, funcs := &window{r: table, size: size}, &window{r: table, size: size}
	for i := range t.nfunc {
		// runtime.functab: entryoff u32, funcoff u32; the next entry follows.
		b, err := entries.bytes(8*i, 12)
		if err != nil {
			return nil, err
		}
		entry, next := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[8:])
		// runtime._func: entryOff u32, nameOff i32, …
		fn, err := funcs.bytes(int64(binary.LittleEndian.Uint32(b[4:])), 8)
		if err != nil {
			return nil, err
		}
		if name, ok := places[binary.LittleEndian.Uint32(fn[4:])]; ok && next > entry {
			found[name] = symbol{text + uint64(entry), uint64(next - entry)}
		}
	}
	return found, nil
}

// maxPlaces bounds how often names are found: linkers store each once, or as the end
// of a longer one.
const maxPlaces = 4096

// namePlaces finds the names in a table of NUL-terminated strings, also at the end of
// a longer string: linkers let strings share their ends. A name that begins with a dot
// stands for all names that end in it.
func namePlaces(r io.ReaderAt, size int64, names []string) (map[uint32]string, error) {
	patterns := make([][]byte, len(names))
	for i, name := range names {
		patterns[i] = append([]byte(name), 0)
	}
	places := make(map[uint32]string, len(names))
	endings := 0
	var endingErr error
	err := scanTexts(r, size, patterns, func(i int, at int64) bool {
		if !isEnding(names[i]) {
			places[uint32(at)] = names[i]
		} else if endings++; endings <= maxEndings {
			endingErr = placeEnding(places, r, at, names[i])
		}
		return endingErr == nil && len(places) < maxPlaces
	})
	return places, errors.Join(err, endingErr)
}

const (
	// maxEndings bounds how many names are found by their end, and maxPackage how long
	// what is before the end can be.
	maxEndings = 8
	maxPackage = 256
)

// isEnding reports whether a name stands for all that end in it.
func isEnding(name string) bool { return name[0] == '.' }

// placeEnding adds the name that has an ending at an offset. Another name may begin
// anywhere in it.
func placeEnding(places map[uint32]string, r io.ReaderAt, at int64, ending string) error {
	before := make([]byte, min(at, maxPackage))
	if err := readFull(r, before, at-int64(len(before))); err != nil {
		return err
	}
	before = before[bytes.LastIndexByte(before, 0)+1:]
	name := string(before) + ending
	for i := range before {
		places[uint32(at)-uint32(len(before)-i)] = name[i:]
	}
	return nil
}
