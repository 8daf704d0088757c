package plan

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A NotTraceableError says why nothing can be captured from an executable.
type NotTraceableError struct{ Reason string }

func (e *NotTraceableError) Error() string { return e.Reason }

func notTraceable(format string, args ...any) error {
	return &NotTraceableError{Reason: fmt.Sprintf(format, args...)}
}

// maxSymtab bounds what is read of a symbol or string table: the largest Go
// binaries known have some 100 MB of each.
const maxSymtab = 512 << 20

// function is a symbol of type FUNC with its machine code.
type function struct {
	name string
	addr uint64
	code []byte
}

// executable is a Go program on disk.
type executable struct {
	file      *elf.File
	goVersion string
	buildID   string
	symbols   map[string]elf.Symbol
}

// openExecutable reads what the planner needs of an ELF file. Only the
// symbols in want are looked up.
func openExecutable(r io.ReaderAt, want map[string]bool) (*executable, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, notTraceable("not an ELF executable")
		}
		return nil, err
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, notTraceable("not a Go binary")
	}
	if f.Class != elf.ELFCLASS64 {
		return nil, notTraceable("32-bit Go binary (%s); only amd64 is supported", f.Machine)
	}
	if f.Machine != elf.EM_X86_64 {
		return nil, notTraceable("Go binary for %s; only amd64 is supported", f.Machine)
	}
	e := &executable{file: f, goVersion: info.GoVersion, buildID: goBuildID(f)}
	if e.symbols, err = findSymbols(f, want); err != nil {
		return nil, err
	}
	return e, nil
}

// findSymbols looks the wanted names up in .symtab. debug/elf would build all
// of some 20,000 symbols for the five that are wanted here.
func findSymbols(f *elf.File, want map[string]bool) (map[string]elf.Symbol, error) {
	symtab := f.SectionByType(elf.SHT_SYMTAB)
	if symtab == nil {
		return nil, notTraceable("symbols are stripped (no .symtab)")
	}
	if symtab.Link == 0 || int(symtab.Link) >= len(f.Sections) {
		return nil, notTraceable("damaged ELF file: .symtab has no string table")
	}
	strtab := f.Sections[symtab.Link]
	if symtab.Size > maxSymtab || strtab.Size > maxSymtab {
		return nil, notTraceable("damaged ELF file: symbol table of %d bytes", symtab.Size)
	}
	syms, err := symtab.Data()
	if err != nil {
		return nil, fmt.Errorf("read .symtab: %w", err)
	}
	names, err := strtab.Data()
	if err != nil {
		return nil, fmt.Errorf("read .strtab: %w", err)
	}
	longest := 0
	for name := range want {
		longest = max(longest, len(name))
	}
	found := make(map[string]elf.Symbol, len(want))
	for ; len(syms) >= elf.Sym64Size; syms = syms[elf.Sym64Size:] {
		off := f.ByteOrder.Uint32(syms)
		if uint64(off) >= uint64(len(names)) {
			continue
		}
		name := cString(names[off:], longest)
		if name == nil || !want[string(name)] {
			continue
		}
		found[string(name)] = elf.Symbol{
			Name:    string(name),
			Section: elf.SectionIndex(f.ByteOrder.Uint16(syms[6:])),
			Value:   f.ByteOrder.Uint64(syms[8:]),
			Size:    f.ByteOrder.Uint64(syms[16:]),
		}
	}
	return found, nil
}

// cString returns the bytes before the first NUL, or nil when there is none
// within limit bytes.
func cString(b []byte, limit int) []byte {
	for i := 0; i < len(b) && i <= limit; i++ {
		if b[i] == 0 {
			return b[:i]
		}
	}
	return nil
}

// maxFunction bounds the code of one function: the longest of crypto/tls has
// some 4 kB, under -race 10 kB.
const maxFunction = 1 << 20

// function returns the code of a wanted function, or nil when the executable
// does not hold it.
func (e *executable) function(name string) (*function, error) {
	sym, ok := e.symbols[name]
	if !ok {
		return nil, nil
	}
	if sym.Size == 0 || sym.Size > maxFunction {
		return nil, notTraceable("damaged ELF file: %s has %d bytes", name, sym.Size)
	}
	code, err := e.bytes(sym.Value, sym.Size)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return &function{name: name, addr: sym.Value, code: code}, nil
}

// bytes returns what a link-time address range holds.
func (e *executable) bytes(addr, size uint64) ([]byte, error) {
	for _, p := range e.file.Progs {
		if p.Type != elf.PT_LOAD || addr < p.Vaddr || size > p.Filesz || addr-p.Vaddr > p.Filesz-size {
			continue
		}
		b := make([]byte, size)
		_, err := p.ReadAt(b, int64(addr-p.Vaddr))
		return b, err
	}
	return nil, notTraceable("damaged ELF file: address %#x is in no segment", addr)
}

// fileOffset translates a link-time address range of code to its file offset.
func (e *executable) fileOffset(addr, size uint64) (uint64, error) {
	for _, p := range e.file.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 {
			continue
		}
		if addr >= p.Vaddr && size <= p.Filesz && addr-p.Vaddr <= p.Filesz-size {
			return addr - p.Vaddr + p.Off, nil
		}
	}
	return 0, notTraceable("damaged ELF file: address %#x is in no executable segment", addr)
}

// goBuildID returns the ID that cmd/link wrote into the note of type 4, "Go".
func goBuildID(f *elf.File) string {
	s := f.Section(".note.go.buildid")
	if s == nil || s.Size > 4096 {
		return ""
	}
	note, err := s.Data()
	if err != nil || len(note) < 16 {
		return ""
	}
	size := binary.LittleEndian.Uint32(note[4:])
	if string(note[12:15]) != "Go\x00" || uint64(size) > uint64(len(note)-16) {
		return ""
	}
	return string(note[16 : 16+size])
}
