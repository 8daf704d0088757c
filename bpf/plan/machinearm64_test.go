package plan

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// isARM64 reports whether an ELF file is for arm64.
func isARM64(file []byte) bool {
	return binary.LittleEndian.Uint16(file[18:]) == uint16(elf.EM_AARCH64)
}

// checkSitesARM64 compares the words in the file at the offsets (Arm Architecture Reference
// Manual, C6.2: B.cond with LS, BL, RET).
func checkSitesARM64(t *testing.T, file []byte, sites []Site) {
	t.Helper()
	const bl, ret = 0x94000000, 0xd65f03c0
	for _, s := range sites {
		in := binary.LittleEndian.Uint32(file[s.Offset:])
		ok := false
		switch s.Kind {
		case StackCheckARM64:
			ok = in>>24 == 0x54 && in&0x1f == 9
		case Memmove, Slicecopy:
			ok = in&0xfc000000 == bl && s.ConnSlot > 0
		case Flush:
			ok = in&0xfc000000 == bl
		case Ret:
			ok = in == ret
		case Entry:
			ok = true
		}
		if !ok {
			t.Errorf("%s at %#x: got the word %08x for %s, slot %d", s.Tap, s.Offset, in, s.Kind, s.ConnSlot)
		}
	}
}

// stackCheckOf returns the place after the stack check that a release's programs have.
func stackCheckOf(t *testing.T, path, release string) string {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	switch {
	case f.Machine == elf.EM_AARCH64:
		return "BLS"
	case goMinor(release) < 21:
		return "JBE" // BP is saved after SUBQ $n, SP
	}
	return "PUSH BP"
}

// says returns the output of a program, or, if it is for arm64 and not to be emulated, that
// of its source for this machine: the hashes of types are the same on all.
func says(t *testing.T, path, source string, env []string, emulated bool) string {
	t.Helper()
	file, err := os.ReadFile(path)
	switch {
	case err != nil:
		t.Fatal(err)
	case isARM64(file) && emulated: // with the C library of the cross compiler
		return run(t, "qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", path)
	case isARM64(file):
		return run(t, build(t, source, env))
	}
	return run(t, path)
}

// TestAnalyzeARM64 plans programs of the newest release for arm64, on any machine.
func TestAnalyzeARM64(t *testing.T) {
	cheap := []Probe{
		{ClientHandshake, "BLS"},
		{ServerHandshake, "BLS"},
		{Close, "BLS"},
		{Read, "CALL runtime.memmove"},
		{Write, "BLS"},
	}
	fallback := []Probe{
		{ClientHandshake, "entry"},
		{ServerHandshake, "entry"},
		{Close, "entry"},
		{Read, "entry+RET"},
		{Write, "entry+RET"},
	}
	var symbols *Plan
	for _, tt := range []struct {
		name string
		args []string
		mode Mode
		want []Probe
	}{
		{"default", nil, Auto, cheap},
		{"stripped", []string{"-ldflags=-s"}, Auto, cheap},
		{"entry-ret", nil, EntryRet, fallback},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := build(t, httpProgram, onARM64, tt.args...)
			p, err := analyze(t, path, tt.mode)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.Describe()); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			checkSites(t, path, slices.Concat(p.Sites, p.Secrets, p.Phases))
			if tt.mode == EntryRet {
				return
			}
			checkTaps(t, path, Verification, verification)
			if symbols == nil {
				symbols = p
				checkRets(t, path)
				checkFailures(t, path, p.Failures)
			} else if diff := cmp.Diff(symbols.Sites, p.Sites); diff != "" || symbols.Types != p.Types {
				t.Errorf("types %+v and %+v, sites (-with symbols +stripped):\n%s", symbols.Types, p.Types, diff)
			}
		})
	}
}

// TestInstructionsARM64 takes functions as Go's compilers write them.
func TestInstructionsARM64(t *testing.T) {
	const (
		guard = 0xf9400b90 // MOVD 16(R28), R16
		check = 0xeb3063ff // CMP R16, RSP
		bls   = 0x54001909 // BLS 200(PC)
		ret   = 0xd65f03c0 // RET
	)
	small := []uint32{guard, check, bls, 0xf8190ffe /* MOVD.W R30, -112(RSP) */}
	large := []uint32{
		guard, 0xd10743f1 /* SUB $464, RSP, R17 */, 0xeb10023f /* CMP R16, R17 */, bls,
		0xd10943f4 /* SUB $592, RSP, R20 */, 0xa93ffa9d /* STP (R29, R30), -8(R20) */, 0x9100029f, /* MOVD R20, RSP */
	}
	for _, tt := range []struct {
		name string
		code []uint32
		slot uint32
		at   uint64 // of the BLS, 0: none
	}{
		{"spilled", slices.Concat(small, []uint32{0xf9003fe0 /* MOVD R0, 120(RSP) */, ret}), 120, 8},
		{"in a pair", slices.Concat(small, []uint32{0xa90787e0 /* STP (R0, R1), 120(RSP) */, ret}), 120, 8},
		{"large frame", slices.Concat(large, []uint32{0xf9012fe0 /* MOVD R0, 600(RSP) */}), 600, 12},
		{"elsewhere", slices.Concat(small, []uint32{0xf9003be0 /* MOVD R0, 112(RSP) */}), 0, 8},
		{"other register", slices.Concat(small, []uint32{0xf9003fe1 /* MOVD R1, 120(RSP) */}), 0, 8},
		{"half", slices.Concat(small, []uint32{0xb9007be0 /* MOVW R0, 120(RSP) */}), 0, 8},
		{"half, in a pair", slices.Concat(small, []uint32{0x290f07e0 /* STPW (R0, R1), 120(RSP) */}), 0, 8},
		{"overwritten", slices.Concat(small, []uint32{0xf9003fe0, 0xf9003fff /* MOVD ZR, 120(RSP) */}), 0, 8},
		{"overwritten by a pair", slices.Concat(small, []uint32{0xf9003fe0, 0xa9077fff /* STP (ZR, ZR), 112(RSP) */}), 0, 8},
		{"overwritten by a vector", slices.Concat(small, []uint32{0xf9003fe0, 0x3d801fe0 /* FMOVQ F0, 112(RSP) */}), 0, 8},
		{"overwritten, unaligned", slices.Concat(small, []uint32{0xf9003fe0, 0xf80743ff /* MOVD ZR, 116(RSP) */}), 0, 8},
		{"beside it", slices.Concat(small, []uint32{0xf9003fe0, 0xa9067fff /* STP (ZR, ZR), 96(RSP) */, 0xf90043e1 /* MOVD R1, 128(RSP) */}), 120, 8},
		{"no stack check", []uint32{0xf8190ffe, 0xf9003fe0, ret}, 120, 0},
		{"argument overwritten before", []uint32{guard, 0xaa0103e0 /* MOVD R1, R0 */, check, bls}, 0, 0},
		{"a load into an argument", []uint32{0xf9400b80 /* MOVD 16(R28), R0 */, check, bls}, 0, 0},
	} {
		var code []byte
		for _, in := range tt.code {
			code = binary.LittleEndian.AppendUint32(code, in)
		}
		list, err := decodeARM64(code)
		if err != nil {
			t.Fatal(err)
		}
		if slot, ok := list.connSlot(); slot != tt.slot && ok || ok != (tt.slot != 0) {
			t.Errorf("%s: got the slot %d, %t, want %d", tt.name, slot, ok, tt.slot)
		}
		if at, _, ok := list.afterStackCheck(); ok != (tt.at != 0) || at != tt.at {
			t.Errorf("%s: got the stack check at %d, %t, want %d", tt.name, at, ok, tt.at)
		}
	}
	if _, err := decodeARM64([]byte{1, 2, 3}); err == nil {
		t.Error("three bytes are taken for an instruction")
	}
}
