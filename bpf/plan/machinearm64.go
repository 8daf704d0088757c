package plan

import "encoding/binary"

// arm64 is the code of a function for arm64: one word an instruction. The planner looks
// at few of them, by their encodings in the Arm Architecture Reference Manual (DDI 0487,
// C4.1): x/arch's arm64asm hides the offsets in operands, and does not know all that
// compilers write. What the planner does not know is no RET and no call.
type arm64 []uint32

func decodeARM64(code []byte) (instructions, error) {
	list := make(arm64, len(code)/arm64Size)
	for i := range list {
		list[i] = binary.LittleEndian.Uint32(code[arm64Size*i:])
	}
	if len(code)%arm64Size != 0 {
		return list, errUndecodable
	}
	return list, nil
}

const (
	arm64Size = 4 // of an instruction

	arm64RET = 0xd65f03c0 // RET, to R30
	arm64NOP = 0xd503201f

	// Registers. 31 is RSP or ZR. Go's assembler has R27 for itself, R16 and R17 for
	// the stack check, and R20 to build a frame.
	arm64R0, arm64R16, arm64R17, arm64R20, arm64R27, arm64R30, arm64RSP = 0, 16, 17, 20, 27, 30, 31
)

// The operands of most instructions.
func arm64Rd(in uint32) uint32 { return in & 31 }
func arm64Rn(in uint32) uint32 { return in >> 5 & 31 }

// arm64Signed sign-extends the low bits of v.
func arm64Signed(v uint32, bits int) int64 { return int64(int32(v<<(32-bits)) >> (32 - bits)) }

// afterStackCheck finds the BLS of
//
//	MOVD 16(R28), R16; CMP R16, RSP; BLS morestack
//
// and of the forms of larger frames, which first put RSP-n into R17, and of Go 1.18,
// which puts RSP there. The kernel emulates no instruction after it that runs always.
func (list arm64) afterStackCheck() (uint64, Kind, bool) {
	for i, in := range list {
		switch {
		case in&0xff00001f == 0x54000009: // BLS
			return uint64(arm64Size * i), StackCheckARM64, true
		case !arm64KeepsArguments(in):
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// arm64KeepsArguments reports whether the instruction belongs to Go's stack check and
// writes no register but R16, R17 and R27.
func arm64KeepsArguments(in uint32) bool {
	rd := arm64Rd(in)
	scratch := rd == arm64R16 || rd == arm64R17 || rd == arm64R27
	switch {
	case in == arm64NOP, in&0xff00001f == 0x54000003: // NOP, BLO
		return true
	case in&0xffc00000 == 0xf9400000: // MOVD imm(Rn), Rd
		return scratch
	case in&0x1f000000 == 0x11000000: // ADD and SUB imm, with ADDS, CMP and MOVD from RSP
		return scratch || rd == arm64RSP && in&0x20000000 != 0
	case in&0x1f000000 == 0x0b000000: // the same of registers
		return scratch || rd == arm64RSP && in&0x20000000 != 0
	case in&0x1f800000 == 0x12800000: // MOVZ, MOVN, MOVK
		return scratch
	}
	return false
}

// connSlot finds MOVD R0, X(RSP), where X is at the caller's RSP+8, after its saved R30.
// The compiler may store R0 and R1 as a pair.
func (list arm64) connSlot() (uint32, bool) {
	var frame, slot int64
	for _, in := range list {
		if frame == 0 {
			frame = arm64Frame(in)
			continue
		}
		s, ok := arm64StoreOf(in)
		switch {
		case !ok || s.base != arm64RSP:
		case slot == 0 && s.register == arm64R0 && !s.vector && s.width == 8 && s.at == frame+8:
			slot = s.at
		case slot != 0 && s.at < slot+8 && slot < s.at+s.size:
			return 0, false
		}
	}
	return uint32(slot), slot > 0 && slot < maxConnSlot
}

// arm64Frame returns the size of the frame that an instruction begins, or 0: MOVD.W R30,
// -n(RSP), or SUB $n, RSP, R20 for a larger one.
func arm64Frame(in uint32) int64 {
	const stackAndLink, toR20 = arm64RSP<<5 | arm64R30, arm64RSP<<5 | arm64R20
	switch {
	case in&0xffe00fff == 0xf8000c00|stackAndLink:
		return -arm64Signed(in>>12, 9)
	case in&0xffc003ff == 0xd1000000|toR20:
		return int64(in >> 10 & 0xfff)
	case in&0xffc003ff == 0xd1400000|toR20: // shifted
		return int64(in>>10&0xfff) << 12
	}
	return 0
}

// arm64Store is an instruction that stores at an offset from its base register.
type arm64Store struct {
	base, register uint32
	vector         bool  // the register is one of V0 to V31
	width          int64 // of a register, in bytes
	at, size       int64 // the same of both registers of a pair
}

// arm64StoreOf decodes a store (C4.1.94). Those that change their base or that have an
// index are none: Go's compiler writes no such to RSP but those of the frame.
func arm64StoreOf(in uint32) (arm64Store, bool) {
	s := arm64Store{base: arm64Rn(in), register: arm64Rd(in), vector: in>>26&1 == 1}
	scale := in >> 30
	switch {
	case in&0x3b800000 == 0x29000000 && in>>22&1 == 0: // STP, signed offset
		if !s.vector {
			scale >>= 1
		}
		s.width = 4 << scale
		s.size = 2 * s.width
		s.at = arm64Signed(in>>15, 7) * s.width
		return s, true
	case in&0x3b000000 == 0x39000000, in&0x3b200c00 == 0x38000000: // STR, STUR
		opc := in >> 22 & 3
		if s.vector && opc == 2 && scale == 0 {
			opc, scale = 0, 4 // of 16 bytes
		}
		if opc != 0 {
			return s, false
		}
		s.width = 1 << scale
		s.size = s.width
		if s.at = arm64Signed(in>>12, 9); in&0x3b000000 == 0x39000000 {
			s.at = int64(in>>10&0xfff) << scale
		}
		return s, true
	}
	return s, false
}

func (list arm64) calls() []call {
	var calls []call
	for i, in := range list {
		if in&0xfc000000 == 0x94000000 { // BL
			off := uint64(arm64Size * i)
			calls = append(calls, call{off, off + arm64Size*uint64(arm64Signed(in, 26))})
		}
	}
	return calls
}

func (list arm64) returns() []uint64 {
	var rets []uint64
	for i, in := range list {
		if in == arm64RET {
			rets = append(rets, uint64(arm64Size*i))
		}
	}
	return rets
}
