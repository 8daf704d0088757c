package plan

import (
	"debug/elf"
	"encoding/binary"
	"io"
)

// debug/elf and debug/buildinfo trust the sizes that a file states. This file checks
// them first: a file of a few kB can state gigabytes.
const (
	// maxSectionTable bounds the section headers. maxSectionNames bounds their names,
	// including the copies of debug/elf: a string for each section, which may be as
	// long as the table of names.
	maxSectionTable = 4 << 20
	maxSectionNames = 16 << 20
	// maxReadAt bounds one read of debug/buildinfo, and so the two strings that it
	// returns: those of the largest programs have some 100 kB.
	maxReadAt = 4 << 20
)

// elfHeader is the part of an ELF header that leads to the sections.
type elfHeader struct {
	order                            binary.ByteOrder
	is64                             bool
	table                            uint64 // offset of the section headers
	headerSize, sections, namesIndex uint64
}

// checkSections refuses a file whose section headers or names take too much memory.
// debug/elf refuses files that are damaged or no ELF files.
func checkSections(r io.ReaderAt) error {
	h, ok := readELFHeader(r)
	if !ok || h.table == 0 {
		return nil
	}
	if h.sections == 0 || h.namesIndex >= uint64(elf.SHN_LORESERVE) {
		return notTraceable("damaged ELF file: %d or more sections", uint64(elf.SHN_LORESERVE))
	}
	if h.sections*h.headerSize > maxSectionTable {
		return notTraceable("damaged ELF file: %d bytes of section headers", h.sections*h.headerSize)
	}
	header := make([]byte, 64) // Elf64_Shdr
	if n, _ := r.ReadAt(header, int64(h.table+h.namesIndex*h.headerSize)); n < len(header) && (h.is64 || n < 40) {
		return nil
	}
	flags, size := uint64(h.order.Uint32(header[8:])), uint64(h.order.Uint32(header[20:]))
	if h.is64 {
		flags, size = h.order.Uint64(header[8:]), h.order.Uint64(header[32:])
	}
	if flags&uint64(elf.SHF_COMPRESSED) != 0 {
		return notTraceable("damaged ELF file: the names of its sections are compressed")
	}
	if size > maxSectionNames/h.sections {
		return notTraceable("damaged ELF file: %d bytes of names of %d sections", size, h.sections)
	}
	return nil
}

func readELFHeader(r io.ReaderAt) (h elfHeader, ok bool) {
	b := make([]byte, 64) // Elf64_Ehdr
	if n, _ := r.ReadAt(b, 0); n < len(b) || string(b[:4]) != elf.ELFMAG {
		return h, false
	}
	h.order = binary.LittleEndian
	if elf.Data(b[elf.EI_DATA]) == elf.ELFDATA2MSB {
		h.order = binary.BigEndian
	}
	at := 46 // e_shentsize, e_shnum, e_shstrndx: u16 each
	switch elf.Class(b[elf.EI_CLASS]) {
	case elf.ELFCLASS64:
		h.is64, at = true, 58
		h.table = h.order.Uint64(b[40:])
	case elf.ELFCLASS32:
		h.table = uint64(h.order.Uint32(b[32:]))
	default:
		return h, false
	}
	h.headerSize = uint64(h.order.Uint16(b[at:]))
	h.sections = uint64(h.order.Uint16(b[at+2:]))
	h.namesIndex = uint64(h.order.Uint16(b[at+4:]))
	return h, h.table < 1<<62
}

// shortReads refuses reads of more than maxReadAt bytes.
type shortReads struct{ io.ReaderAt }

func (r shortReads) ReadAt(b []byte, off int64) (int, error) {
	if len(b) > maxReadAt {
		return 0, io.ErrUnexpectedEOF
	}
	return r.ReaderAt.ReadAt(b, off)
}
