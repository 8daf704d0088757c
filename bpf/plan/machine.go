package plan

import (
	"debug/elf"
	"errors"
)

// machine is what the planner knows of an architecture.
type machine struct {
	goarch   string
	smallest byte   // the size of the smallest instruction
	relative uint32 // the relocation that adds the load offset of a PIE
	// decode disassembles the code of a function. What it returns with an error is
	// the code before what it does not know.
	decode func(code []byte) (instructions, error)
}

// machines are the architectures that the planner knows.
var machines = map[elf.Machine]*machine{
	elf.EM_X86_64:  {"amd64", 1, uint32(elf.R_X86_64_RELATIVE), decodeAMD64},
	elf.EM_AARCH64: {"arm64", 4, uint32(elf.R_AARCH64_RELATIVE), decodeARM64},
}

// instructions are the code of one function. Offsets are from its start.
type instructions interface {
	// afterStackCheck finds an emulated instruction after or in the stack check at
	// which the argument registers still hold the arguments.
	afterStackCheck() (off uint64, kind Kind, ok bool)
	// connSlot finds where the function spilled its first argument, the receiver: an
	// offset from SP, after the frame is set up. ABIInternal reserves the slot at the
	// beginning of the caller's argument area. If another value may be stored there,
	// the slot is not trusted.
	connSlot() (uint32, bool)
	// calls lists the direct calls.
	calls() []call
	// returns lists the RET instructions.
	returns() []uint64
}

// call is a direct call. Its target is an offset, too, from the start of the caller.
type call struct{ off, target uint64 }

// maxConnSlot bounds the offset of the slot, and so the frame.
const maxConnSlot = 1 << 20

// errUndecodable is for code that the disassembler does not know.
var errUndecodable = errors.New("code cannot be disassembled")

// decode disassembles the whole function.
func (f *function) decode() (instructions, error) { return f.machine.decode(f.code) }

// callsTo returns the offsets of the calls to the function at addr.
func (f *function) callsTo(list instructions, addr uint64) []uint64 {
	var found []uint64
	for _, c := range list.calls() {
		if f.addr+c.target == addr {
			found = append(found, c.off)
		}
	}
	return found
}
