//go:build linux

package bpf

import (
	"bytes"
	"embed"
	"maps"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// maxStack is MAX_BPF_STACK of the kernel, for a program and all functions in a chain
// of calls. Newer kernels count differently, so only this test and the old ones
// notice.
const maxStack = 512

// objects are the programs for every architecture that older kernels load.
//
//go:embed compat_*_bpfel.o packets_*_bpfel.o
var objects embed.FS

// programsFor returns the programs of an architecture, as bpf2go calls it.
func programsFor(t *testing.T, arch string) map[string]*ebpf.ProgramSpec {
	t.Helper()
	programs := make(map[string]*ebpf.ProgramSpec)
	for _, name := range []string{"compat", "packets"} {
		b, err := objects.ReadFile(name + "_" + arch + "_bpfel.o")
		if err != nil {
			t.Fatal(err)
		}
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(programs, spec.Programs)
	}
	return programs
}

// TestStack adds up the stack of the programs for older kernels as their verifier
// does: each function takes a multiple of 32 bytes.
func TestStack(t *testing.T) {
	for _, arch := range []string{"x86", "arm64"} {
		t.Run(arch, func(t *testing.T) { testStack(t, arch) })
	}
}

func testStack(t *testing.T, arch string) {
	var longest []string
	for name, prog := range programsFor(t, arch) {
		functions := functionsOf(prog)
		depth, chain := deepest(functions, prog.Instructions[0].Symbol())
		if depth > maxStack {
			t.Errorf("%s: %d bytes of stack, %d are allowed: %s", name, depth, maxStack, strings.Join(chain, " > "))
		}
		if len(chain) > len(longest) {
			longest = chain
		}
	}
	if len(longest) < 3 {
		t.Errorf("no program calls deeper than %v: this proves nothing", longest)
	}
}

// function is the stack use of a function, with its calls.
type function struct {
	stack int
	calls []string
}

func functionsOf(prog *ebpf.ProgramSpec) map[string]*function {
	list := make(map[string]*function)
	var f *function
	var before asm.Instruction
	for _, ins := range prog.Instructions {
		if name := ins.Symbol(); name != "" {
			f = &function{}
			list[name] = f
		}
		switch {
		case ins.IsFunctionCall():
			f.calls = append(f.calls, ins.Reference())
		case ins.OpCode.Class() == asm.LdXClass && ins.Src == asm.R10, ins.OpCode.Class().IsStore() && ins.Dst == asm.R10:
			f.stack = max(f.stack, -int(ins.Offset))
		case ins.OpCode.ALUOp() == asm.Add && before.OpCode.ALUOp() == asm.Mov && before.Src == asm.R10 && before.Dst == ins.Dst:
			f.stack = max(f.stack, -int(ins.Constant)) // an address on it
		}
		before = ins
	}
	return list
}

func deepest(functions map[string]*function, name string) (depth int, chain []string) {
	f := functions[name]
	for _, callee := range f.calls {
		if d, c := deepest(functions, callee); d > depth || chain == nil {
			depth, chain = d, c
		}
	}
	return depth + max(1, (f.stack+31)/32)*32, append([]string{name}, chain...)
}
