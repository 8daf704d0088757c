package bpf

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// TestLoaderTypes requires that the few types of the loader relocate each program as all
// types of the kernel do, and that it attaches where these say.
func TestLoaderTypes(t *testing.T) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() (*ebpf.CollectionSpec, error){
		"probes": loadProbes, "compat": loadCompat, "packets": loadPackets,
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := read()
			if err != nil {
				t.Fatal(err)
			}
			loader, err := newProgramLoader(spec)
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
