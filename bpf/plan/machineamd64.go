package plan

import "golang.org/x/arch/x86/x86asm"

// amd64 is the code of a function for amd64.
type amd64 []amd64Instr

// amd64Instr is one decoded instruction of a function. With a VEX prefix only Len is
// set: no Op and no Args.
type amd64Instr struct {
	x86asm.Inst
	off uint64 // from the start of the function
}

func decodeAMD64(code []byte) (instructions, error) {
	var list amd64
	for off := 0; off < len(code); {
		in := x86asm.Inst{Len: vexLength(code[off:])}
		if in.Len == 0 {
			var err error
			in, err = x86asm.Decode(code[off:], 64)
			if err != nil || in.Len == 0 {
				return list, errUndecodable
			}
		}
		list = append(list, amd64Instr{in, uint64(off)})
		off += in.Len
	}
	return list, nil
}

// afterStackCheck finds one of
//
//	CMPQ SP, 16(R14); JBE morestack; PUSHQ BP       (Go 1.21 and newer)
//	CMPQ SP, 16(R14); JBE morestack; SUBQ $n, SP    (before)
//
// and the forms of larger frames, which first put SP-n into R12.
func (list amd64) afterStackCheck() (uint64, Kind, bool) {
	var check *amd64Instr
	for i := range list {
		in := &list[i]
		switch {
		case in.Op == x86asm.PUSH && in.Args[0] == x86asm.RBP:
			return in.off, Push, true
		case in.Op == x86asm.JBE:
			check = in
		case check != nil:
			return check.off, StackCheck, true
		case !keepsArguments(in):
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// keepsArguments reports whether the instruction belongs to Go's stack check and
// writes no register but R12.
func keepsArguments(in *amd64Instr) bool {
	switch in.Op {
	case x86asm.CMP, x86asm.TEST, x86asm.NOP, x86asm.JB:
		return true
	case x86asm.LEA, x86asm.MOV, x86asm.SUB:
		return in.Args[0] == x86asm.R12
	}
	return false
}

// connSlot finds MOVQ AX, X(SP), where X is at the caller's SP+8, which is frame +
// saved BP + return address.
func (list amd64) connSlot() (uint32, bool) {
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
	return uint32(slot), slot > 0 && slot < maxConnSlot
}

// spillsArgument reports whether X(SP) is the first argument's spill slot of a frame:
// with BP pushed in front of it, or saved inside it (before Go 1.21).
func spillsArgument(disp, frame int64) bool {
	return disp == frame+16 || disp == frame+8
}

func (list amd64) calls() []call {
	var calls []call
	for _, in := range list {
		if rel, ok := in.Args[0].(x86asm.Rel); ok && in.Op == x86asm.CALL {
			calls = append(calls, call{in.off, in.off + uint64(in.Len) + uint64(int64(rel))})
		}
	}
	return calls
}

func (list amd64) returns() []uint64 {
	var rets []uint64
	for _, in := range list {
		if in.Op == x86asm.RET {
			rets = append(rets, in.off)
		}
	}
	return rets
}
