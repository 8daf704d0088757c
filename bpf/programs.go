package bpf

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// programSet loads each program when it is needed first: most of the time goes to
// the verifier, and a capture that sees everything from the start needs few.
// It is safe for concurrent use.
type programSet struct {
	spec   *ebpf.CollectionSpec
	common *ebpf.Collection     // the maps, as far as nobody else owns them
	maps   map[string]*ebpf.Map // all that programs share
	cache  *btf.Cache           // of what the kernel says of itself, see forget
	// copies says that a program cannot learn at which of its places it was
	// hit: each copy holds one site as a constant. Places that look alike share
	// theirs, and most do.
	copies bool

	mu     sync.Mutex
	loaded map[programKey]*program
}

// constants is the map that holds what is const in the programs.
const constants = ".rodata"

// programKey is a program and, where there are copies, what it holds.
type programKey struct {
	name string
	site probesSite
}

type program struct {
	*ebpf.Program
	users int
}

// newProgramSet makes the maps of a spec, which it keeps. multi says that uprobes
// are attached by uprobe_multi.
func newProgramSet(spec *ebpf.CollectionSpec, cache *btf.Cache, copies, multi bool) (*programSet, error) {
	for _, prog := range spec.Programs {
		if multi && prog.Type == ebpf.Kprobe {
			prog.AttachType = ebpf.AttachTraceUprobeMulti
		}
	}
	noPrograms := *spec
	noPrograms.Programs = nil
	common, err := ebpf.NewCollectionWithOptions(&noPrograms, ebpf.CollectionOptions{Cache: cache})
	if err != nil {
		return nil, loadError(err)
	}
	s := &programSet{
		spec: spec, common: common, maps: maps.Clone(common.Maps), cache: cache,
		copies: copies, loaded: make(map[programKey]*program),
	}
	if copies {
		delete(s.maps, constants)
	}
	return s, nil
}

// atOnce is how many programs are loaded at a time, at most: each takes a thread,
// which the Go runtime keeps for good, and memory of the kernel.
const atOnce = 4

// forget frees what was read of the kernel: it is large, and the programs that
// are loaded later have no use for most of it. Copies are loaded again and again.
func (s *programSet) forget() {
	if !s.copies {
		s.cache = nil
	}
}

// prepare loads programs that are about to be taken, several at a time. Where
// there are copies, nobody knows yet which.
func (s *programSet) prepare(names ...string) error {
	if s.copies {
		return nil
	}
	errs := make([]error, len(names))
	room := make(chan struct{}, min(atOnce, runtime.GOMAXPROCS(0)))
	var wg sync.WaitGroup
	for i, name := range names {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			errs[i] = s.prepareOne(programKey{name: name})
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// prepareOne loads a program while others may do the same.
func (s *programSet) prepareOne(key programKey) error {
	s.mu.Lock()
	have := s.loaded[key] != nil
	s.mu.Unlock()
	if have {
		return nil
	}
	prog, err := s.load(key)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded[key] != nil {
		return prog.Close()
	}
	s.loaded[key] = &program{Program: prog}
	return nil
}

// take returns a program for a site; each take is to be followed by a drop.
func (s *programSet) take(key programKey) (*ebpf.Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.loaded[key]
	if p == nil {
		prog, err := s.load(key)
		if err != nil {
			return nil, err
		}
		p = &program{Program: prog}
		s.loaded[key] = p
	}
	p.users++
	return p.Program, nil
}

// load loads a program, with its site if it is to be a copy.
func (s *programSet) load(key programKey) (*ebpf.Program, error) {
	spec := *s.spec
	spec.Programs = map[string]*ebpf.ProgramSpec{key.name: s.spec.Programs[key.name]}
	if s.copies {
		spec = *spec.Copy()
		if err := spec.Variables[compatVarOnlySite].Set(key.site); err != nil {
			return nil, fmt.Errorf("set %s: %w", compatVarOnlySite, err)
		}
	} else {
		spec.Variables = nil // they are in the maps
	}
	coll, err := ebpf.NewCollectionWithOptions(&spec, ebpf.CollectionOptions{MapReplacements: s.maps, Cache: s.cache})
	if err != nil {
		return nil, loadError(err)
	}
	defer coll.Close()
	return coll.DetachProgram(key.name), nil
}

// drop frees a copy that no place uses any more. What is no copy stays.
func (s *programSet) drop(key programKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.loaded[key]
	if p.users--; p.users > 0 || !s.copies {
		return nil
	}
	delete(s.loaded, key)
	return p.Close()
}

// close frees everything.
func (s *programSet) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, p := range s.loaded {
		err = errors.Join(err, p.Close())
	}
	clear(s.loaded)
	s.common.Close()
	return err
}
