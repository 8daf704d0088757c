package plan

import (
	"debug/elf"
	"encoding/binary"
)

// symbol is the address of a function or of a linker mark.
type symbol struct{ addr, size uint64 }

// maxTable bounds a table that is searched: the largest Go binaries known have some
// 100 MB of symbols and as much of their names.
const maxTable = 512 << 20

// elfSymbols looks names up in .symtab; without one the result is empty. debug/elf
// would build all of some 20,000 symbols for a few names.
func elfSymbols(f *elf.File, names []string) (map[string]symbol, error) {
	symtab := f.SectionByType(elf.SHT_SYMTAB)
	if symtab == nil {
		return nil, nil
	}
	if symtab.Link == 0 || int64(symtab.Link) >= int64(len(f.Sections)) {
		return nil, notTraceable("damaged ELF file: .symtab has no string table")
	}
	strtab := f.Sections[symtab.Link]
	if symtab.FileSize > maxTable || strtab.FileSize > maxTable {
		return nil, notTraceable("damaged ELF file: symbol table of %d bytes", max(symtab.FileSize, strtab.FileSize))
	}
	places, err := namePlaces(strtab, int64(strtab.FileSize), names)
	if err != nil {
		return nil, err
	}
	found := make(map[string]symbol, len(names))
	w := &window{r: symtab, size: int64(symtab.FileSize)}
	for off := int64(0); off+elf.Sym64Size <= w.size; off += elf.Sym64Size {
		// Elf64_Sym: st_name u32, st_info u8, st_other u8, st_shndx u16,
		// st_value u64, st_size u64.
		sym, err := w.bytes(off, elf.Sym64Size)
		if err != nil {
			return nil, err
		}
		name, ok := places[binary.LittleEndian.Uint32(sym)]
		if ok && binary.LittleEndian.Uint16(sym[6:]) != uint16(elf.SHN_UNDEF) {
			found[name] = symbol{binary.LittleEndian.Uint64(sym[8:]), binary.LittleEndian.Uint64(sym[16:])}
		}
	}
	return found, nil
}
