package plan

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"
)

// sectionOffset returns where in the file a section begins.
func sectionOffset(t *testing.T, contents []byte, name string) int64 {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(contents))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Section(name)
	if s == nil {
		t.Fatalf("no section %s", name)
	}
	return int64(s.Offset)
}

// firstLoad returns the offset in the file of the first PT_LOAD program header.
func firstLoad(t *testing.T, contents []byte) int64 {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(contents))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			return 64 + 56*int64(i) // Elf64_Ehdr, Elf64_Phdr
		}
	}
	t.Fatal("no PT_LOAD")
	return 0
}

// TestRuntimeTablesDamaged damages the tables that replace the symbols of a stripped
// program: the planner returns a reason, never a plan with wrong addresses.
func TestRuntimeTablesDamaged(t *testing.T) {
	contents, err := os.ReadFile(build(t, tlsProgram, nil, "-ldflags=-s"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		noTable  = "stripped, and without a function table (.gopclntab) of Go 1.18 or newer"
		noModule = "stripped, and the runtime's module data is not found"
		outside  = "damaged ELF file: a table points outside of itself"
	)
	table := sectionOffset(t, contents, ".gopclntab")
	module := sectionOffset(t, contents, ".go.module")
	high := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	functab := int64(binary.LittleEndian.Uint64(contents[table+64:]))
	for _, test := range []struct {
		name  string
		at    int64
		patch []byte
		want  string
	}{
		{"magic of Go 1.16", table, []byte{0xfa}, noTable},
		{"segment larger than memory", firstLoad(t, contents) + 32, []byte{0, 0, 0, 0, 1}, "damaged ELF file: more than 2147483648 bytes of code and data"},
		{"pointers of 4 bytes", table + 7, []byte{4}, noTable},
		{"no function", table + 8, make([]byte, 8), noTable},
		{"too many functions", table + 8, high, noTable},
		{"names out of the file", table + 32, high, noTable},
		{"names behind cutab", table + 33, []byte{0xff, 0xff, 0xff}, noTable},
		{"functions out of the file", table + 64, high, noTable},
		{"description out of the table", table + functab + 4, high[:4], outside},
		{"module of another table", module, make([]byte, 8), noModule},
		{"other names in module", module + 8, make([]byte, 8), noModule},
		{"other text in module", module + 8*mdText, make([]byte, 8), noModule},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Analyze(patched{contents, test.at, test.patch}, Auto)
			var not *NotTraceableError
			if !errors.As(err, &not) || not.Reason != test.want {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
	t.Run("types out of the file", func(t *testing.T) {
		p, err := Analyze(patched{contents, module + 8*(mdText+15), high}, Auto)
		if err == nil && p.TCPConnHash != 0 {
			t.Errorf("got the hash %#x from types that are not there", p.TCPConnHash)
		}
	})
}

// TestWithoutSections reads a program without section headers, as some packers leave
// it: the planner finds the tables in the segments.
func TestWithoutSections(t *testing.T) {
	contents, err := os.ReadFile(build(t, tlsProgram, nil, "-ldflags=-s"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Analyze(bytes.NewReader(contents), Auto)
	if err != nil {
		t.Fatal(err)
	}
	// Elf64_Ehdr: e_shoff at 40; e_shentsize, e_shnum and e_shstrndx at 58.
	clear(contents[40:48])
	clear(contents[58:64])
	got, err := Analyze(bytes.NewReader(contents), Auto)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Sites, got.TCPConnHash) != fmt.Sprint(want.Sites, want.TCPConnHash) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestGoMinor(t *testing.T) {
	for version, want := range map[string]int{
		"go1.26.8": 26, "go1.27": 27, "go1.18rc1": 18, "go1.26-rc1": 26,
		"go1.26.8 X:nodwarf5": 26, "devel go1.28-1a2b3c Mon Jan 1": 28,
		"devel +1a2b3c": 0, "": 0, "go2.1": 0, "go1.99999999999999999999": 0,
	} {
		if got := goMinor(version); got != want {
			t.Errorf("%q: got %d, want %d", version, got, want)
		}
	}
}
