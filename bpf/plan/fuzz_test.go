package plan

import (
	"bytes"
	"debug/elf"
	"os"
	"slices"
	"testing"
)

// patched is a file with some bytes replaced.
type patched struct {
	file  []byte
	at    int64
	patch []byte
}

func (p patched) ReadAt(b []byte, off int64) (int, error) {
	n, err := bytes.NewReader(p.file).ReadAt(b, off)
	for i, c := range p.patch {
		if at := p.at + int64(i) - off; at >= 0 && at < int64(n) {
			b[at] = c
		}
	}
	return n, err
}

// FuzzAnalyze feeds damaged executables, with symbols, stripped, and a stripped PIE, and
// one for arm64: no panic, and no plan that points outside of the file.
func FuzzAnalyze(f *testing.F) {
	const arm64 = 3 // its index
	goarch := func(file int) string {
		if file == arm64 {
			return "arm64"
		}
		return "amd64"
	}
	var files [][]byte
	for _, args := range [][]string{nil, {"-ldflags=-s"}, {"-buildmode=pie", "-ldflags=-s"}, {"-ldflags=-s"}} {
		contents, err := os.ReadFile(build(f, tlsProgram, []string{"GOARCH=" + goarch(len(files))}, args...))
		if err != nil {
			f.Fatal(err)
		}
		p, err := AnalyzeFor(goarch(len(files)), bytes.NewReader(contents), Auto)
		if err != nil {
			f.Fatal(err)
		}
		for _, s := range slices.Concat(p.Sites, p.Secrets, p.Failures) {
			f.Add(uint8(len(files)), uint32(s.Offset), []byte{0xc4, 0xe2}, false) // VEX
			f.Add(uint8(len(files)), uint32(s.Offset-16), []byte{0x48, 0x89, 0xd8}, true)
		}
		for _, at := range tableOffsets(f, contents) {
			f.Add(uint8(len(files)), at, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, false)
		}
		files = append(files, contents)
	}
	f.Fuzz(func(t *testing.T, file uint8, offset uint32, patch []byte, entryRet bool) {
		index := int(file) % len(files)
		contents := files[index]
		mode := Auto
		if entryRet {
			mode = EntryRet
		}
		p, err := AnalyzeFor(goarch(index), patched{contents, int64(offset) % int64(len(contents)), patch}, mode)
		if err != nil {
			return
		}
		for _, s := range slices.Concat(p.Sites, p.Secrets, p.Failures) {
			if s.Offset >= uint64(len(contents)) {
				t.Errorf("%s probe at %#x, behind the end of the file", s.Tap, s.Offset)
			}
		}
	})
}

// tableOffsets returns the offsets in a file of the words that lead to functions.
func tableOffsets(f *testing.F, contents []byte) []uint32 {
	at := []uint32{0x28, 0x3c, 0x60} // e_shoff, e_shnum, the first segment
	exe, err := elf.NewFile(bytes.NewReader(contents))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range exe.Sections {
		switch s.Name {
		case ".gopclntab":
			table, err := findPclntab(exe, machines[exe.Machine])
			if err != nil || table == nil {
				f.Fatalf("no function table: %v", err)
			}
			for word := range uint32(pclntabHeader / 8) {
				at = append(at, uint32(s.Offset)+8*word)
			}
			functab := uint32(s.Offset) + uint32(table.functab)
			at = append(at, functab, functab+4, functab+uint32(8*table.nfunc), uint32(s.Offset)+uint32(table.names))
		case ".go.module":
			for _, word := range []uint32{mdPCHeader, mdPCLnTable, mdText, mdText + 15, mdText + 17} {
				at = append(at, uint32(s.Offset)+8*word)
			}
		case ".rela", ".symtab", ".strtab":
			at = append(at, uint32(s.Offset), uint32(s.Offset)+24)
		}
	}
	return at
}
