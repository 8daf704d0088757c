package plan

import (
	"debug/elf"
	"encoding/binary"
)

// relocTables are the tables of values that the loader writes into a PIE before it
// runs. Go's linker leaves the places themselves 0.
type relocTables struct {
	sections []*elf.Section
	relative uint32 // the type that adds the load offset
}

const relaSize = 24 // Elf64_Rela: r_offset u64, r_info u64, r_addend i64

// maxRelocTables bounds how many are read: programs have .rela.dyn and .rela.plt.
const maxRelocTables = 8

func relocations(f *elf.File, m *machine) relocTables {
	tables := relocTables{relative: m.relative}
	for _, s := range f.Sections {
		if len(tables.sections) == maxRelocTables {
			break
		}
		if s.Type == elf.SHT_RELA && s.Flags&elf.SHF_ALLOC != 0 && s.FileSize <= maxTable {
			tables.sections = append(tables.sections, s)
		}
	}
	return tables
}

// each calls visit for every relative relocation: at address place, the loader writes
// target plus the load offset of the program.
func (tables relocTables) each(visit func(place, target uint64)) error {
	for _, s := range tables.sections {
		w := &window{r: s, size: int64(s.FileSize)}
		for off := int64(0); off+relaSize <= w.size; off += relaSize {
			rela, err := w.bytes(off, relaSize)
			if err != nil {
				return err
			}
			if elf.R_TYPE64(binary.LittleEndian.Uint64(rela[8:])) == tables.relative {
				visit(binary.LittleEndian.Uint64(rela), binary.LittleEndian.Uint64(rela[16:]))
			}
		}
	}
	return nil
}

// pointers returns where pointers to an address will be.
func (tables relocTables) pointers(to uint64) ([]uint64, error) {
	var places []uint64
	err := tables.each(func(place, target uint64) {
		if target == to && len(places) < maxCandidates {
			places = append(places, place)
		}
	})
	return places, err
}

// apply relocates the words at addr.
func (tables relocTables) apply(addr uint64, words []uint64) error {
	return tables.each(func(place, target uint64) {
		if off := place - addr; off%8 == 0 && off/8 < uint64(len(words)) {
			words[off/8] = target
		}
	})
}
