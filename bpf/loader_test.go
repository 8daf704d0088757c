//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// TestLoaderTypes requires that the few types of the loader relocate each program as all
// types of the kernel do, and that it attaches where these say.
func TestLoaderTypes(t *testing.T) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	for name, object := range map[string][]byte{"probes": _ProbesBytes, "compat": _CompatBytes, "packets": _PacketsBytes, "capture": _CaptureBytes} {
		t.Run(name, func(t *testing.T) {
			spec, err := readObject(object)
			if err != nil {
				t.Fatal(err)
			}
			loader, err := newProgramLoader(nil, spec)
			if err != nil {
				t.Fatal(err)
			}
			for name, prog := range spec.Programs {
				got, want := relocations(t, prog, loader.types.Spec), relocations(t, prog, kernel)
				if got != want {
					t.Errorf("%s is relocated as\n%s\nwant\n%s", name, got, want)
				}
				checkTarget(t, loader, prog, kernel)
			}
		})
	}
}

// TestLoaderExplains loads a program that the verifier refuses. The error names the
// source line.
func TestLoaderExplains(t *testing.T) {
	t.Run("probes", func(t *testing.T) { explains(t, Options{BufferSize: MinBufferSize}) })
	t.Run("compat", func(t *testing.T) { explains(t, Options{BufferSize: MinBufferSize, compat: true}) })
}

func explains(t *testing.T, opts Options) {
	t.Helper()
	c := newUnattached(t, opts)
	broken := c.programs.spec.Programs[probesProgProcessFork].Copy()
	for i := range broken.Instructions[1:] {
		if ins := &broken.Instructions[i+1]; btf.CORERelocationMetadata(ins) == nil && ins.Size() == asm.InstructionSize {
			*ins = asm.LoadMem(asm.R0, asm.R5, 0, asm.DWord).WithMetadata(ins.Metadata) // R5 is not set
			break
		}
	}
	maps, free, err := c.programs.mapsOf(probesSite{})
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	loader := c.programs.loader
	loader.objects = nil
	var refused *ebpf.VerifierError
	if _, err := loader.load(broken, maps); !errors.As(err, &refused) {
		t.Fatalf("the verifier should refuse the program: %v", err)
	}
	// The object has the program as it should be, so the second attempt loads it.
	prog, err := c.programs.loader.load(broken, maps)
	if err != nil {
		t.Fatal(err)
	}
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := info.LineInfos()
	if err != nil || len(lines) == 0 {
		t.Errorf("%d source lines: %v", len(lines), err)
	}
	if err := prog.Close(); err != nil {
		t.Error(err)
	}
}

// relocations returns how a program is adapted to the types of a kernel.
func relocations(t *testing.T, prog *ebpf.ProgramSpec, kernel *btf.Spec) string {
	t.Helper()
	var list []*btf.CORERelocation
	for i := range prog.Instructions {
		if r := btf.CORERelocationMetadata(&prog.Instructions[i]); r != nil {
			list = append(list, r)
		}
	}
	var b btf.Builder
	fixups, err := btf.CORERelocate(list, []*btf.Spec{kernel}, prog.ByteOrder, b.Add)
	if err != nil {
		t.Fatalf("%s: %v", prog.Name, err)
	}
	text := ""
	for i := range fixups {
		text += fmt.Sprintln(list[i], fixups[i])
	}
	return text
}

// checkTarget looks up in all types of the kernel what a program attaches to.
func checkTarget(t *testing.T, loader programLoader, prog *ebpf.ProgramSpec, kernel *btf.Spec) {
	t.Helper()
	name := targetOf(prog)
	if name == "" {
		if prog.Type == ebpf.Tracing {
			t.Errorf("%s has no target", prog.Name)
		}
		return
	}
	got, ok := loader.types.Target(name)
	if !ok {
		t.Errorf("%s: %s was not found", prog.Name, name)
		return
	}
	found, err := kernel.TypeByID(got)
	if err != nil || found.TypeName() != name {
		t.Errorf("%s: type %d is %v, want %s: %v", prog.Name, got, found, name, err)
	}
}
