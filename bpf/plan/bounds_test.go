package plan

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"h2trace/bpf/layout"
)

// elfSection is a section of a generated file.
type elfSection struct {
	name  string
	typ   elf.SectionType
	flags elf.SectionFlag
	data  []byte
}

// elfFile returns an ELF file that holds only sections. The last one has the names.
func elfFile(t *testing.T, sections ...elfSection) []byte {
	t.Helper()
	const ehdr, shdr = 64, 64
	var names, body bytes.Buffer
	headers := []elf.Section64{{}}
	names.WriteByte(0)
	for i := range sections {
		s := &sections[i]
		header := elf.Section64{Name: uint32(names.Len()), Type: uint32(s.typ), Flags: uint64(s.flags), Off: uint64(ehdr + body.Len())}
		names.WriteString(s.name + "\x00")
		if s.name == ".shstrtab" && s.data == nil {
			s.data = names.Bytes()
		}
		header.Size = uint64(len(s.data))
		body.Write(s.data)
		headers = append(headers, header)
	}
	head := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Shoff: uint64(ehdr + body.Len()), Ehsize: ehdr, Shentsize: shdr,
		Shnum: uint16(len(headers)), Shstrndx: uint16(len(sections)),
	}
	var file bytes.Buffer
	for _, part := range []any{head, body.Bytes(), headers} {
		if err := binary.Write(&file, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

var sectionNames = elfSection{name: ".shstrtab", typ: elf.SHT_STRTAB}

// bombSize is the inflated size of bomb.
const bombSize = 512 << 20

var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	if err != nil {
		panic(err)
	}
	_, err = io.CopyN(z, zeros{}, bombSize)
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
})

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// compressed prefixes a zlib stream with its size (Elf64_Chdr).
func compressed(size uint64, stream []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(elf.COMPRESS_ZLIB))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, size)
	b = binary.LittleEndian.AppendUint64(b, 1)
	return append(b, stream...)
}

// zdebug does the same in the format of Go 1.18.
func zdebug(size uint64, stream []byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte("ZLIB"), size), stream...)
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDebugInfoBounded reads debugging information with a section that inflates to
// 512 MB, whether it states that size or not, or that costs debug/dwarf as much.
func TestDebugInfoBounded(t *testing.T) {
	const most = 4 * maxDWARF // buffers that io.ReadAll outgrows count, too, more so with the race detector
	section := func(name string, flags elf.SectionFlag, data []byte) elfSection {
		return elfSection{name, elf.SHT_PROGBITS, flags, data}
	}
	// An empty unit of DWARF 4, and its table, which is empty, too.
	info := section(".debug_info", 0, []byte{8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 0})
	abbrev := section(".debug_abbrev", 0, make([]byte, 8))
	// An abbreviation that never ends, and units that begin at each of its bytes.
	endless := section(".debug_abbrev", 0, bytes.Repeat([]byte{1}, 1<<16))
	var units []byte
	for at := range uint32(len(endless.data)) {
		units = append(units, 8, 0, 0, 0, 4, 0)
		units = append(binary.LittleEndian.AppendUint32(units, at), 8, 0)
	}
	for _, test := range []struct {
		name     string
		sections []elfSection
		readable bool
	}{
		{"small", []elfSection{info, abbrev}, true},
		{"not read", []elfSection{info, abbrev, section(".debug_line", elf.SHF_COMPRESSED, compressed(bombSize, bomb()))}, true},
		{"stated", []elfSection{info, abbrev, section(".debug_str", elf.SHF_COMPRESSED, compressed(bombSize, bomb()))}, false},
		{"not stated", []elfSection{info, abbrev, section(".debug_str", elf.SHF_COMPRESSED, compressed(100, bomb()))}, true},
		{"info", []elfSection{abbrev, section(".debug_info", elf.SHF_COMPRESSED, compressed(bombSize, bomb()))}, false},
		{"zdebug", []elfSection{info, section(".zdebug_abbrev", 0, zdebug(bombSize, bomb()))}, false},
		{"together", []elfSection{
			section(".debug_info", elf.SHF_COMPRESSED, compressed(40<<20, bomb())),
			section(".debug_abbrev", elf.SHF_COMPRESSED, compressed(40<<20, bomb())),
		}, false},
		{"abbreviations", []elfSection{section(".debug_info", 0, units), endless}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := elf.NewFile(bytes.NewReader(elfFile(t, append(test.sections, sectionNames)...)))
			if err != nil {
				t.Fatal(err)
			}
			readable := false
			got := allocated(func() { readable = (&executable{file: f}).debugInfo() != nil })
			if readable != test.readable {
				t.Errorf("readable: %t, want %t", readable, test.readable)
			}
			if got > most {
				t.Errorf("%d bytes were allocated, want %d at most", got, most)
			}
		})
	}
}

// TestSectionsBounded plans files whose section headers alone would take gigabytes.
func TestSectionsBounded(t *testing.T) {
	many := make([]elfSection, 1<<15)
	for i := range many {
		many[i].typ = elf.SHT_PROGBITS // all have the first name
	}
	long := sectionNames
	long.data = bytes.Repeat([]byte("n"), 1<<16)
	zipped := sectionNames
	zipped.flags, zipped.data = elf.SHF_COMPRESSED, compressed(bombSize, bomb())
	counted := elfFile(t, sectionNames)
	binary.LittleEndian.PutUint16(counted[60:], 0) // e_shnum: the first section states the number
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"compressed names", elfFile(t, zipped), "names of its sections are compressed"},
		{"a long name each", elfFile(t, append(many, long)...), "bytes of names of 32770 sections"},
		{"number elsewhere", counted, "or more sections"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var err error
			got := allocated(func() { _, err = Analyze(bytes.NewReader(test.file), Auto) })
			if not, ok := errors.AsType[*NotTraceableError](err); !ok || !strings.Contains(not.Reason, test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
			if got > 16<<20 {
				t.Errorf("%d bytes were allocated", got)
			}
		})
	}
}

// TestDebugInfo compares the layouts from a program's debugging information with the
// table.
func TestDebugInfo(t *testing.T) {
	file, err := os.Open(build(t, httpProgram, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	exe, err := openExecutable(file, anyMachine, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := exe.debugInfo()
	if d == nil {
		t.Fatal("no debugging information")
	}
	home := layout.Bundled
	if goMinor(exe.goVersion) >= 27 {
		home = layout.Internal
	}
	client, err := layout.FromDWARF(d, home)
	if want := layout.Released(exe.goVersion); err != nil || want == nil || *client != *want {
		t.Errorf("clients: got %+v, %v, want %+v", client, err, want)
	}
	server, err := layout.ServerFromDWARF(d, home)
	if want := layout.ReleasedServer(exe.goVersion); err != nil || want == nil || *server != *want {
		t.Errorf("servers: got %+v, %v, want %+v", server, err, want)
	}
	checkTLS(t, exe)
}

// checkTLS compares the layout of crypto/tls from a program's debugging information
// with the table.
func checkTLS(t *testing.T, exe *executable) {
	t.Helper()
	d := exe.debugInfo()
	if d == nil {
		t.Error("no debugging information")
		return
	}
	got, err := layout.TLSFromDWARF(d)
	if want := layout.ReleasedTLS(exe.goVersion); err != nil || want == nil || *got != *want {
		t.Errorf("crypto/tls: got %+v, %v, want %+v", got, err, want)
	}
}
