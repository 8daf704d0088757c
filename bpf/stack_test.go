//go:build linux

package bpf

import (
	"bytes"
	"embed"
	"io/fs"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// maxStack is MAX_BPF_STACK of the kernel, for a program and all functions in a chain
// of calls. Newer kernels count differently, so only this test and the old ones
// notice.
const maxStack = 512

// objects are the programs for every architecture.
//
//go:embed *_bpfel.o
var objects embed.FS

// TestStack adds up the stack of the programs as older kernels do: each function takes a
// multiple of 32 bytes, and a callback of bpf_loop counts as called.
func TestStack(t *testing.T) {
	files, err := fs.Glob(objects, "*")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d objects, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			b, err := objects.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			calls := !strings.HasPrefix(file, "capture") && !strings.HasPrefix(file, "packets")
			checkStack(t, spec.Programs, calls)
		})
	}
}

// checkStack bounds the stack of programs, of which some have functions that call others.
func checkStack(t *testing.T, programs map[string]*ebpf.ProgramSpec, calls bool) {
	t.Helper()
	var longest []string
	for name, prog := range programs {
		functions := functionsOf(prog)
		depth, chain := deepest(functions, prog.Instructions[0].Symbol())
		if depth > maxStack {
			t.Errorf("%s: %d bytes of stack, %d are allowed: %s", name, depth, maxStack, strings.Join(chain, " > "))
		}
		if len(chain) > len(longest) {
			longest = chain
		}
	}
	if calls && len(longest) < 3 {
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
		case ins.IsFunctionCall(), ins.IsFunctionReference():
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
