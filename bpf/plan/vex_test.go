package plan

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestVEXLength(t *testing.T) {
	for _, test := range []struct {
		name, code string
		want       int
	}{
		{"SHLXQ AX, BX, CX", "c4e2f9f7cb", 5},
		{"ANDNQ AX, BX, CX", "c4e2e0f2c8", 5},
		{"RORXQ $7, BX, CX", "c4e3fbf0cb07", 6},
		{"VZEROUPPER", "c5f877", 3},
		{"VMOVDQU 8(SP), X1, disp8", "c5fa6f4c2408", 6},
		{"VMOVDQU (SP), X1, no disp", "c5fa6f0c24", 5},
		{"VMOVDQU (BP)(AX*1), disp8 0", "c5fa6f4c0500", 6},
		{"VMOVDQU index without base", "c5fa6f0c2578563412", 9},
		{"VMOVDQU x(IP), X1", "c5fa6f0d78563412", 8},
		{"VPSHUFD $1, X1, X2", "c5f970d101", 5},
		{"VMOVDQU64 (BX), Z1", "62f1fe486f0b", 6},
		{"EVEX, map 3: immediate", "62f3fd48030b01", 7},
		{"MOVQ AX, BX", "4889c3", 0},
		{"cut in the prefix", "c4e2", 0},
		{"cut before ModRM", "c4e2f9f7", 0},
		{"cut before SIB", "c5fa6f4c", 0},
		{"cut in the displacement", "c5fa6f0d7856", 0},
		{"cut before the immediate", "c5f970d1", 0},
		{"EVEX, map 4: APX", "62f4fd48030b01", 0},
		{"VEX, map 0", "c4e0f9f7cb", 0},
	} {
		code, err := hex.DecodeString(test.code)
		if err != nil {
			t.Fatal(err)
		}
		// When the instruction is complete, the bytes after it must not matter.
		got := vexLength(code)
		if test.want > 0 {
			if longer := vexLength(append(bytes.Clone(code), 0x90, 0x90, 0x90, 0x90)); longer != got {
				t.Errorf("%s: got %d, and %d with code behind it", test.name, got, longer)
			}
		}
		if got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

// TestVEXLengthAssembler compares the lengths with the encodings that the tests of
// Go's assembler list: 20,000 instructions, each with its bytes.
func TestVEXLengthAssembler(t *testing.T) {
	dir := filepath.Join(goTool(t, "env", "GOROOT"), "src/cmd/asm/internal/asm/testdata")
	files, err := filepath.Glob(filepath.Join(dir, "avx512enc", "*.s"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(dir, "amd64enc.s"), filepath.Join(dir, "amd64enc_extra.s"))
	if _, err := os.Stat(files[len(files)-1]); err != nil {
		t.Skip("this Go distribution comes without the tests of its assembler")
	}
	encodings := regexp.MustCompile(`// *((?:or )?[0-9a-f]+(?: or [0-9a-f]+)*)$`)
	checked := 0
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(source)) {
			line = strings.TrimSpace(line)
			m := encodings.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			for encoding := range strings.SplitSeq(m[1], " or ") {
				code, err := hex.DecodeString(encoding)
				if err != nil || len(code) == 0 || !bytes.Contains([]byte{0xc4, 0xc5, 0x62}, code[:1]) {
					continue
				}
				checked++
				if got := vexLength(append(code, 0x90, 0x90)); got != len(code) {
					t.Errorf("%s: got %d, want %d", line, got, len(code))
				}
			}
		}
	}
	if checked < 15_000 {
		t.Errorf("only %d encodings were found in %s", checked, dir)
	}
}

// TestDecodeVEX finds the instructions after one that x86asm does not know.
func TestDecodeVEX(t *testing.T) {
	list, err := decodeAMD64([]byte{
		0x55,                         // PUSHQ BP
		0xc4, 0xe2, 0xf9, 0xf7, 0xcb, // SHLXQ AX, BX, CX
		0x48, 0x89, 0xc3, // MOVQ AX, BX
		0xc5, 0xf8, 0x77, // VZEROUPPER
		0xc3, // RET
	})
	if err != nil {
		t.Fatal(err)
	}
	rets := list.returns()
	if n := len(list.(amd64)); n != 5 || len(rets) != 1 || rets[0] != 12 {
		t.Errorf("got %d instructions and RET %+v, want 5 and one at 12", n, rets)
	}
}
