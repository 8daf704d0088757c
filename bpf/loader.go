//go:build linux

package bpf

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"h2trace/bpf/kerneltypes"
)

// programLoader loads programs with the few types that they need of the kernel.
type programLoader struct {
	types   *kerneltypes.Types
	objects [][]byte // that the programs are compiled into
}

// newProgramLoader reads the types that the programs of objects name, and specs are
// read from the objects.
func newProgramLoader(objects [][]byte, specs ...*ebpf.CollectionSpec) (programLoader, error) {
	var names, targets []string
	for _, spec := range specs {
		for t, err := range spec.Types.All() {
			if err != nil {
				return programLoader{}, err
			}
			if name := t.TypeName(); name != "" {
				names = append(names, name)
			}
		}
		for _, prog := range spec.Programs {
			if target := targetOf(prog); target != "" {
				targets = append(targets, target)
			}
		}
	}
	types, err := kerneltypes.Load(names, targets)
	return programLoader{types, objects}, err
}

// targetOf returns the name of what a tracing program attaches to in the kernel's BTF.
func targetOf(prog *ebpf.ProgramSpec) string {
	switch {
	case prog.Type != ebpf.Tracing:
		return ""
	case prog.AttachType == ebpf.AttachTraceRawTp:
		return "btf_trace_" + prog.AttachTo
	case prog.AttachType == ebpf.AttachTraceIter:
		return "bpf_iter_" + prog.AttachTo
	}
	return ""
}

// load loads a program that uses the given maps.
func (l programLoader) load(spec *ebpf.ProgramSpec, maps map[string]*ebpf.Map) (*ebpf.Program, error) {
	spec = spec.Copy()
	if err := useMaps(spec, maps); err != nil {
		return nil, err
	}
	if target, ok := l.types.Target(targetOf(spec)); ok {
		if prog, err := l.loadTracing(spec, target); err == nil {
			return prog, nil
		}
	} else if prog, err := l.loadPlain(spec); err == nil {
		return prog, nil
	}
	return l.explain(spec, maps)
}

// useMaps makes a program refer to maps by descriptor and not by name.
func useMaps(spec *ebpf.ProgramSpec, maps map[string]*ebpf.Map) error {
	for i := range spec.Instructions {
		ins := &spec.Instructions[i]
		if !ins.IsLoadFromMap() || ins.Reference() == "" {
			continue
		}
		m := maps[ins.Reference()]
		if m == nil {
			return fmt.Errorf("map %s does not exist", ins.Reference())
		}
		if err := ins.AssociateMap(m); err != nil {
			return fmt.Errorf("map %s: %w", ins.Reference(), err)
		}
	}
	return nil
}

// loadPlain loads a program that attaches to no kernel type, or whose target the
// package ebpf is to find.
func (l programLoader) loadPlain(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	return ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{KernelTypes: l.types.Spec})
}

// explain loads a program again that could not be loaded, now with its source lines,
// for the error.
func (l programLoader) explain(spec *ebpf.ProgramSpec, maps map[string]*ebpf.Map) (*ebpf.Program, error) {
	for _, object := range l.objects {
		whole, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
		if err != nil {
			return nil, err
		}
		if same := whole.Programs[spec.Name]; same != nil {
			spec.Instructions = same.Instructions
			if err := useMaps(spec, maps); err != nil {
				return nil, err
			}
			break
		}
	}
	return l.loadPlain(spec)
}

// progLoadAttr is what BPF_PROG_LOAD knows since Linux 5.10 (union bpf_attr).
type progLoadAttr struct {
	progType           uint32
	insnCnt            uint32
	insns              unsafe.Pointer
	license            unsafe.Pointer
	logLevel           uint32
	logSize            uint32
	logBuf             unsafe.Pointer
	kernVersion        uint32
	progFlags          uint32
	progName           [16]byte
	progIfindex        uint32
	expectedAttachType uint32
	progBTFFD          uint32
	funcInfoRecSize    uint32
	funcInfo           unsafe.Pointer
	funcInfoCnt        uint32
	lineInfoRecSize    uint32
	lineInfo           unsafe.Pointer
	lineInfoCnt        uint32
	attachBTFID        uint32
	attachProgFD       uint32
	_                  uint32
}

// loadTracing loads a program that attaches to the kernel type with an id. The
// package ebpf would index and decode all types of the kernel for the id.
func (l programLoader) loadTracing(spec *ebpf.ProgramSpec, target btf.TypeID) (*ebpf.Program, error) {
	insns := append(asm.Instructions(nil), spec.Instructions...)
	var b btf.Builder
	if err := l.relocate(insns, spec, &b); err != nil {
		return nil, err
	}
	funcs, lines, err := btf.MarshalExtInfos(insns, &b)
	if err != nil {
		return nil, err
	}
	described, err := btf.NewHandle(&b)
	if err != nil {
		return nil, err
	}
	defer described.Close()
	var code bytes.Buffer
	if err := insns.Marshal(&code, spec.ByteOrder); err != nil {
		return nil, err
	}
	license, err := unix.BytePtrFromString(spec.License)
	if err != nil {
		return nil, err
	}
	attr := progLoadAttr{
		progType: uint32(spec.Type), insnCnt: uint32(code.Len() / asm.InstructionSize),
		insns: bytesPointer(code.Bytes()), license: unsafe.Pointer(license),
		progFlags: spec.Flags, expectedAttachType: uint32(spec.AttachType),
		progBTFFD:       uint32(described.FD()),
		funcInfoRecSize: btf.FuncInfoSize, funcInfo: bytesPointer(funcs), funcInfoCnt: uint32(len(funcs)) / btf.FuncInfoSize,
		lineInfoRecSize: btf.LineInfoSize, lineInfo: bytesPointer(lines), lineInfoCnt: uint32(len(lines)) / btf.LineInfoSize,
		attachBTFID: uint32(target),
	}
	copy(attr.progName[:len(attr.progName)-1], spec.Name)
	for {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		runtime.KeepAlive(spec) // its instructions keep the maps
		switch errno {
		case 0:
			return ebpf.NewProgramFromFD(int(fd))
		case unix.EAGAIN: // a signal interrupted the verifier
		default:
			return nil, errno
		}
	}
}

// relocate adapts instructions to the kernel's types (CO-RE). It adds the types of the
// program that they refer to.
func (l programLoader) relocate(insns asm.Instructions, spec *ebpf.ProgramSpec, b *btf.Builder) error {
	var relocations []*btf.CORERelocation
	var relocated []*asm.Instruction
	for i := range insns {
		if r := btf.CORERelocationMetadata(&insns[i]); r != nil {
			relocations, relocated = append(relocations, r), append(relocated, &insns[i])
		}
	}
	if len(relocations) == 0 {
		return nil
	}
	fixups, err := btf.CORERelocate(relocations, []*btf.Spec{l.types.Spec}, spec.ByteOrder, b.Add)
	if err != nil {
		return err
	}
	for i, fixup := range fixups {
		if err := fixup.Apply(relocated[i]); err != nil {
			return err
		}
	}
	return nil
}

func bytesPointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// withMap returns the maps with one more, or in the place of another.
func withMap(list map[string]*ebpf.Map, name string, m *ebpf.Map) map[string]*ebpf.Map {
	list = maps.Clone(list)
	list[name] = m
	return list
}
