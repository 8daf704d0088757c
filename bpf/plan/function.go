package plan

import (
	"errors"

	"golang.org/x/arch/x86/x86asm"
)

// instr is one decoded instruction of a function. With a VEX prefix only Len is set:
// no Op and no Args.
type instr struct {
	x86asm.Inst
	off uint64 // from the start of the function
}

// errUndecodable is for code that the disassembler does not know.
var errUndecodable = errors.New("code cannot be disassembled")

// decode disassembles the whole function.
func (f *function) decode() ([]instr, error) {
	var list []instr
	for off := 0; off < len(f.code); {
		in := x86asm.Inst{Len: vexLength(f.code[off:])}
		if in.Len == 0 {
			var err error
			in, err = x86asm.Decode(f.code[off:], 64)
			if err != nil || in.Len == 0 {
				return list, errUndecodable
			}
		}
		list = append(list, instr{in, uint64(off)})
		off += in.Len
	}
	return list, nil
}

// afterStackCheck finds an emulated instruction after or in the stack check
// at which the argument registers still hold the arguments:
//
//	CMPQ SP, 16(R14); JBE morestack; PUSHQ BP       (Go 1.21 and newer)
//	CMPQ SP, 16(R14); JBE morestack; SUBQ $n, SP    (before)
//
// and the forms of larger frames, which first put SP-n into R12.
func afterStackCheck(list []instr) (instr, Kind, bool) {
	var check *instr
	for i := range list {
		in := &list[i]
		switch {
		case in.Op == x86asm.PUSH && in.Args[0] == x86asm.RBP:
			return *in, Push, true
		case in.Op == x86asm.JBE:
			check = in
		case check != nil:
			return *check, StackCheck, true
		case !keepsArguments(in):
			return instr{}, 0, false
		}
	}
	return instr{}, 0, false
}

// keepsArguments reports whether the instruction belongs to Go's stack check and
// writes no register but R12.
func keepsArguments(in *instr) bool {
	switch in.Op {
	case x86asm.CMP, x86asm.TEST, x86asm.NOP, x86asm.JB:
		return true
	case x86asm.LEA, x86asm.MOV, x86asm.SUB:
		return in.Args[0] == x86asm.R12
	}
	return false
}

// connSlot finds where the function spilled its first argument, the receiver: MOVQ
// AX, X(SP). ABIInternal reserves the slot at the caller's SP+8, which is frame +
// saved BP + return address. X must equal that, and no other value may be stored
// there; otherwise the slot is not trusted.
func connSlot(list []instr) (uint32, bool) {
	var frame, slot int64
	for i := range list {
		in := &list[i]
		if in.Op == x86asm.SUB && in.Args[0] == x86asm.RSP && frame == 0 {
			if n, ok := in.Args[1].(x86asm.Imm); ok {
				frame = int64(n)
			}
			continue
		}
		if in.Op != x86asm.MOV || frame == 0 {
			continue
		}
		mem, ok := in.Args[0].(x86asm.Mem)
		if !ok || mem.Base != x86asm.RSP || mem.Index != 0 {
			continue
		}
		switch {
		case slot == 0 && in.Args[1] == x86asm.RAX && spillsArgument(mem.Disp, frame):
			slot = mem.Disp
		case slot != 0 && mem.Disp == slot:
			return 0, false
		}
	}
	return uint32(slot), slot > 0 && slot < 1<<20
}

// spillsArgument reports whether X(SP) is the first argument's spill slot of a frame:
// with BP pushed in front of it, or saved inside it (before Go 1.21).
func spillsArgument(disp, frame int64) bool {
	return disp == frame+16 || disp == frame+8
}

// callsTo returns the CALL instructions to the function at addr.
func (f *function) callsTo(list []instr, addr uint64) []instr {
	var calls []instr
	for _, in := range list {
		rel, ok := in.Args[0].(x86asm.Rel)
		if in.Op == x86asm.CALL && ok && f.addr+in.off+uint64(in.Len)+uint64(int64(rel)) == addr {
			calls = append(calls, in)
		}
	}
	return calls
}

// returns lists the RET instructions.
func returns(list []instr) []instr {
	var rets []instr
	for _, in := range list {
		if in.Op == x86asm.RET {
			rets = append(rets, in)
		}
	}
	return rets
}
