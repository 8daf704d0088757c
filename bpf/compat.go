package bpf

import (
	"errors"
	"fmt"
	"maps"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// optionalFeatures are what the programs use of newer kernels. Where one is missing,
// the programs compiled with COMPAT take over, see compat.h.
var optionalFeatures = []struct {
	name, since, instead string
	have                 func() error
}{
	{"atomic operations", "5.12", "counts of one user each", haveFetchAdd},
	{"bpf_get_attach_cookie", "5.15", "a copy of a program for each kind of place", func() error {
		return features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie)
	}},
	{"bpf_loop", "5.17", "bounded loops", func() error {
		return features.HaveProgramHelper(ebpf.Kprobe, asm.FnLoop)
	}},
}

// haveFetchAdd tries an atomic operation that returns the value before it.
func haveFetchAdd() error {
	fetchAdd := asm.FetchAdd.Mem(asm.RFP, asm.R0, asm.DWord, -8)
	fetchAdd.Constant = 1 // BPF_FETCH, which cilium/ebpf 0.22 leaves out
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter,
		Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R0, 0),
			asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
			fetchAdd,
			asm.Return(),
		},
		License: "MIT",
	})
	switch {
	case errors.Is(err, unix.EINVAL): // 5.10's verifier: BPF_STX uses reserved fields
		return ebpf.ErrNotSupported
	case err != nil:
		return err
	}
	return prog.Close()
}

// needsCompat reports whether the kernel is known to lack one of optionalFeatures.
func needsCompat() bool {
	for _, f := range optionalFeatures {
		if errors.Is(f.have(), ebpf.ErrNotSupported) {
			return true
		}
	}
	return false
}

// checkOptional says of each whether it is there or what is done without it.
func checkOptional() []Feature {
	var list []Feature
	for _, n := range optionalFeatures {
		f := probe(n.name, n.have(), "")
		if errors.Is(f.Err, ebpf.ErrNotSupported) {
			f = Feature{Name: n.name, Detail: fmt.Sprintf("not before Linux %s; %s instead", n.since, n.instead)}
		}
		list = append(list, f)
	}
	return list
}

// sitePrograms are copies of the uprobe programs, for kernels where a program
// cannot learn at which of its places it was hit: each copy holds one site as a
// constant. Places that look alike share theirs, and most do.
type sitePrograms struct {
	spec   *ebpf.CollectionSpec
	shared map[string]*ebpf.Map
	rest   *ebpf.Collection // what of these nobody else owns
	cache  *btf.Cache       // of what the kernel says of itself
	loaded map[siteProgramKey]*siteProgram
}

// constants is the map that holds what is const in the programs.
const constants = ".rodata"

type siteProgramKey struct {
	program string
	site    probesSite
}

type siteProgram struct {
	prog  *ebpf.Program
	users int
}

// loadShared loads what all copies share: the maps, and the programs for
// tracepoints.
func (c *Collector) loadShared(spec *ebpf.CollectionSpec) error {
	copies := &sitePrograms{
		spec:   spec.Copy(),
		cache:  btf.NewCache(),
		loaded: make(map[siteProgramKey]*siteProgram),
	}
	for name, prog := range spec.Programs {
		if prog.Type == ebpf.Kprobe {
			delete(spec.Programs, name)
		} else {
			delete(copies.spec.Programs, name)
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: copies.cache})
	if err != nil {
		return loadError(err)
	}
	c.copies = copies
	copies.rest = coll
	copies.shared = maps.Clone(coll.Maps)
	delete(copies.shared, constants)
	hooks := struct {
		*probesMaps
		*probesVariables
		ProcessFork *ebpf.Program `ebpf:"process_fork"`
		ProcessExec *ebpf.Program `ebpf:"process_exec"`
		ProcessExit *ebpf.Program `ebpf:"process_exit"`
		SockState   *ebpf.Program `ebpf:"sock_state"`
		Sockets     *ebpf.Program `ebpf:"sockets"`
	}{probesMaps: &c.probes.probesMaps, probesVariables: &c.probes.probesVariables}
	err = coll.Assign(&hooks)
	c.probes.ProcessFork, c.probes.ProcessExec = hooks.ProcessFork, hooks.ProcessExec
	c.probes.ProcessExit, c.probes.SockState = hooks.ProcessExit, hooks.SockState
	c.probes.Sockets = hooks.Sockets
	return err
}

// take returns the copy of a program for a site; each take is to be followed
// by a drop.
func (s *sitePrograms) take(key siteProgramKey) (*ebpf.Program, error) {
	if p := s.loaded[key]; p != nil {
		p.users++
		return p.prog, nil
	}
	spec := s.spec.Copy()
	for name := range spec.Programs {
		if name != key.program {
			delete(spec.Programs, name)
		}
	}
	if err := spec.Variables[compatVarOnlySite].Set(key.site); err != nil {
		return nil, fmt.Errorf("set %s: %w", compatVarOnlySite, err)
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: s.shared, Cache: s.cache})
	if err != nil {
		return nil, loadError(err)
	}
	defer coll.Close()
	prog := coll.DetachProgram(key.program)
	s.loaded[key] = &siteProgram{prog, 1}
	return prog, nil
}

// drop frees a copy that no place uses any more.
func (s *sitePrograms) drop(key siteProgramKey) error {
	p := s.loaded[key]
	p.users--
	if p.users > 0 {
		return nil
	}
	delete(s.loaded, key)
	return p.prog.Close()
}

// close frees everything.
func (s *sitePrograms) close() error {
	var err error
	for _, p := range s.loaded {
		err = errors.Join(err, p.prog.Close())
	}
	s.rest.Close()
	return err
}
