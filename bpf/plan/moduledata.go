package plan

import (
	"debug/elf"
	"encoding/binary"
	"strconv"
	"strings"
)

// Words of runtime.moduledata, in every release from 1.18 to 1.27. The words after
// mdText differ; types counts them.
const (
	mdPCHeader    = 0
	mdFuncNameTab = 1
	mdPCLnTable   = 13
	mdMinPC       = 20
	mdMaxPC       = 21
	mdText        = 22
	mdEText       = 23
	mdWords       = 48 // words that are read
)

// moduledata is the linker's description of the program for the runtime. In a PIE its
// pointers are valid only after relocation.
type moduledata [mdWords]uint64

// findModuledata finds the moduledata that belongs to a function table, or nil. Go
// 1.26 and newer give it a section. In other programs it is where a pointer to the
// table's header is.
func findModuledata(f *elf.File, m *machine, t *pclntab) (*moduledata, error) {
	relocs := relocations(f, m)
	if s := f.Section(".go.module"); s != nil {
		if md, err := readModuledata(f, relocs, s.Addr, t); md != nil || err != nil {
			return md, err
		}
	}
	candidates, err := relocs.pointers(t.addr)
	if err != nil {
		return nil, err
	}
	pattern := [][]byte{binary.LittleEndian.AppendUint64(nil, t.addr)}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_W == 0 || p.Filesz > maxTable {
			continue
		}
		err := scan(p, int64(p.Filesz), pattern, func(_ int, at int64) bool {
			if addr := p.Vaddr + uint64(at); addr%8 == 0 {
				candidates = append(candidates, addr)
			}
			return len(candidates) < maxCandidates
		})
		if err != nil {
			return nil, err
		}
	}
	for _, addr := range candidates {
		if md, err := readModuledata(f, relocs, addr, t); md != nil || err != nil {
			return md, err
		}
	}
	return nil, nil
}

// maxCandidates bounds the places examined: a program has one or two pointers to the
// header of its function table.
const maxCandidates = 16

// readModuledata returns the moduledata at addr if it belongs to the table: the
// runtime makes the same checks when the program starts (moduledataverify1 in
// runtime/symtab.go).
func readModuledata(f *elf.File, relocs relocTables, addr uint64, t *pclntab) (*moduledata, error) {
	raw, err := readAddr(f, addr, 8*mdWords)
	if err != nil {
		return nil, nil // no moduledata is there
	}
	md := &moduledata{}
	for i := range md {
		md[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	if err := relocs.apply(addr, md[:]); err != nil {
		return nil, err
	}
	first, end, err := t.textRange()
	if err != nil {
		return nil, err
	}
	text := md[mdText]
	ok := md[mdPCHeader] == t.addr &&
		md[mdFuncNameTab] == t.addr+uint64(t.names) &&
		md[mdPCLnTable] == t.addr+uint64(t.functab) &&
		md[mdMinPC] == text+uint64(first) &&
		md[mdMaxPC] == text+uint64(end) &&
		text < md[mdEText]
	if !ok {
		return nil, nil
	}
	return md, nil
}

// types returns the range of the type descriptors.
func (md *moduledata) types(t *pclntab, goVersion string) (start, end uint64) {
	// text, noptrdata, data, bss, noptrbss, [covctrs,] with the end of each;
	// end, gcdata, gcbss; types, [typedesclen,] etypes.
	i := mdText + 10 + 3
	if t.magic == magicGo120 {
		i += 2 // covctrs, ecovctrs: since Go 1.20, as the magic
	}
	start, end = md[i], md[i+1]
	if minor := goMinor(goVersion); minor == 0 || minor >= 27 {
		end = md[i+2]
	}
	return start, end
}

// goMinor returns 26 for "go1.26.8", "go1.26-rc1" and "devel go1.26-1a2b3c", or 0
// when the version has none.
func goMinor(version string) int {
	_, rest, ok := strings.Cut(version, "go1.")
	if !ok {
		return 0
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	minor, err := strconv.Atoi(rest[:digits])
	if err != nil {
		return 0
	}
	return minor
}
