package plan

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
)

// NotTraceableError says why nothing can be captured from an executable.
type NotTraceableError struct{ Reason string }

func (e *NotTraceableError) Error() string { return e.Reason }

// NoTLSError is for an executable with TCP and without crypto/tls. It has no
// plaintext to capture, but may speak HTTP without TLS. Recovery may find places in
// it.
type NoTLSError struct {
	GoVersion, BuildID string
	Types
	Secrets []Site // of forks of crypto/tls
}

func (e *NoTLSError) Error() string { return noTLS }

const noTLS = "no crypto/tls in this Go binary"

func notTraceable(format string, args ...any) error {
	return &NotTraceableError{Reason: fmt.Sprintf(format, args...)}
}

// function is a symbol of type FUNC with its machine code.
type function struct {
	machine *machine
	name    string
	addr    uint64
	code    []byte
}

// executable is a Go program on disk.
type executable struct {
	file      *elf.File
	machine   *machine
	goVersion string
	mainPath  string // of the main package
	buildID   string
	deps      []*debug.Module
	symbols   map[string]symbol
}

// anyMachine is the GOARCH for an executable that was analyzed before.
const anyMachine = ""

// openExecutable reads the parts of an ELF file that the planner needs, if it is for an
// architecture. It looks up only the symbols of these names.
func openExecutable(r io.ReaderAt, goarch string, names []string) (*executable, error) {
	if err := checkSections(r); err != nil {
		return nil, err
	}
	f, err := elf.NewFile(r)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, notTraceable("not an ELF executable")
		}
		return nil, err
	}
	info, err := buildinfo.Read(shortReads{r})
	if err != nil {
		return nil, notTraceable("not a Go binary")
	}
	m, err := machineOf(f, goarch)
	if err != nil {
		return nil, err
	}
	if minor := goMinor(info.GoVersion); minor > 0 && minor < oldestMinor {
		return nil, notTraceable("built by %s; Go 1.%d or newer is needed", info.GoVersion, oldestMinor)
	}
	var loaded uint64
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			loaded += min(p.Filesz, maxLoaded+1)
		}
	}
	if loaded > maxLoaded {
		return nil, notTraceable("damaged ELF file: more than %d bytes of code and data", uint64(maxLoaded))
	}
	e := &executable{file: f, machine: m, goVersion: info.GoVersion, mainPath: info.Path, deps: info.Deps, buildID: goBuildID(f)}
	if e.symbols, err = elfSymbols(f, names); err != nil {
		return nil, err
	}
	// Every Go program has runtime.memmove. A symbol table may lack Go symbols, such
	// as that of a stripped program with some C in it.
	if _, ok := e.symbols[symMemmove]; !ok {
		if err := e.readRuntimeTables(names); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// machineOf returns the architecture of a file.
func machineOf(f *elf.File, goarch string) (*machine, error) {
	m := machines[f.Machine]
	if m != nil && f.Class == elf.ELFCLASS64 && (goarch == m.goarch || goarch == anyMachine) {
		return m, nil
	}
	if f.Class != elf.ELFCLASS64 {
		return nil, notTraceable("32-bit Go binary (%s); only %s is supported", f.Machine, goarch)
	}
	return nil, notTraceable("Go binary for %s; only %s is supported here", f.Machine, goarch)
}

// oldestMinor is the oldest release, 1.18, whose calling convention, function table
// and types match those of later ones.
const oldestMinor = 18

// maxLoaded bounds the total size of the segments, which are searched for tables: the
// code model of amd64 permits no larger Go program, and no one builds one for arm64.
const maxLoaded = 2 << 30

// readRuntimeTables finds the symbols of a stripped program in the tables that it
// needs at run time.
func (e *executable) readRuntimeTables(names []string) error {
	table, err := findPclntab(e.file, e.machine)
	if err != nil {
		return err
	}
	if table == nil {
		return notTraceable("stripped, and without a function table (.gopclntab) of Go 1.%d or newer", oldestMinor)
	}
	md, err := findModuledata(e.file, e.machine, table)
	if err != nil {
		return err
	}
	if md == nil {
		return notTraceable("stripped, and the runtime's module data is not found")
	}
	if e.symbols, err = table.symbols(names, md[mdText]); err != nil {
		return err
	}
	start, end := md.types(table, e.goVersion)
	e.symbols[symTypes], e.symbols[symETypes] = symbol{addr: start}, symbol{addr: end}
	return nil
}

// maxFunction bounds the code of one function: the longest of crypto/tls has some 4
// kB, with -race 10 kB.
const maxFunction = 1 << 20

// function returns the code of a wanted function, or nil when the executable lacks
// it.
func (e *executable) function(name string) (*function, error) {
	sym, ok := e.symbols[name]
	if !ok {
		return nil, nil
	}
	if sym.size == 0 || sym.size > maxFunction {
		return nil, notTraceable("damaged ELF file: %s has %d bytes", name, sym.size)
	}
	code, err := readAddr(e.file, sym.addr, sym.size)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return &function{machine: e.machine, name: name, addr: sym.addr, code: code}, nil
}

// readAddr returns the contents of a link-time address range.
func readAddr(f *elf.File, addr, size uint64) ([]byte, error) {
	r, off, err := atAddr(f, addr, size)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	return b, readFull(r, b, off)
}

// atAddr returns the segment that holds a link-time address range, and the offset of
// the range in it.
func atAddr(f *elf.File, addr, size uint64) (*elf.Prog, int64, error) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && size <= p.Filesz && addr-p.Vaddr <= p.Filesz-size {
			return p, int64(addr - p.Vaddr), nil
		}
	}
	return nil, 0, notTraceable("damaged ELF file: address %#x is in no segment", addr)
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
