//go:build linux

package bpf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"

	"github.com/cilium/ebpf"
)

// programSet loads each program at its first use. The verifier takes most of the
// time, and a capture that sees everything from the start needs few programs. It is
// safe for concurrent use.
type programSet struct {
	spec   *ebpf.CollectionSpec
	common *ebpf.Collection     // the maps that nobody else owns
	maps   map[string]*ebpf.Map // shared by all programs
	loader programLoader
	// copies says that a program cannot find out at which of its places it was hit:
	// each copy holds one site as a constant. Places with equal sites share a copy,
	// and most do.
	copies bool

	mu     sync.Mutex
	loaded map[programKey]*program
}

// Maps of variables, named for their ELF sections: the constants of the programs, and
// what the Reader tells them.
const (
	constants   = ".rodata"
	readerState = ".data.reader"
)

// programKey is a program and, with copies, its site.
type programKey struct {
	name string
	site probesSite
}

// keyOf returns the key of the program for a site.
func (s *programSet) keyOf(name string, site probesSite) programKey {
	key := programKey{name: name}
	if s.copies {
		key.site = site
	}
	return key
}

type program struct {
	*ebpf.Program
	users int
	ready chan struct{} // closed when it is loaded, or err says why not
	err   error
}

// anyRelease is the release that a program says it is for, which Linux has not looked at since 5.0
// (commit 6c4fc209fcf9). Without one, the library reads that of the kernel from the vDSO, which it does
// not find in a program with file capabilities whose C library took a variable, such as TMPDIR, out of
// the environment.
const anyRelease = 1

// newProgramSet creates the maps of a spec, and keeps the spec. multi says that
// uprobes attach by uprobe_multi.
func newProgramSet(spec *ebpf.CollectionSpec, loader programLoader, copies, multi bool) (*programSet, error) {
	for _, prog := range spec.Programs {
		if prog.Type != ebpf.Kprobe {
			continue
		}
		prog.KernelVersion = anyRelease
		if multi {
			prog.AttachType = ebpf.AttachTraceUprobeMulti
		}
	}
	noPrograms := *spec
	noPrograms.Programs = nil
	common, err := ebpf.NewCollection(&noPrograms)
	if err != nil {
		return nil, loadError(err)
	}
	s := &programSet{
		spec: spec, common: common, maps: maps.Clone(common.Maps), loader: loader,
		copies: copies, loaded: make(map[programKey]*program),
	}
	if copies {
		delete(s.maps, constants)
	}
	return s, nil
}

// atOnce bounds how many programs are loaded at a time. Each takes kernel memory and a
// thread, which the Go runtime keeps for good.
const atOnce = 4

// prepare loads several programs at a time, shortly before take. It loads no more once
// ctx is done.
func (s *programSet) prepare(ctx context.Context, keys ...programKey) error {
	return atATime(len(keys), func(i int) error {
		if ctx.Err() != nil {
			return nil
		}
		_, err := s.get(keys[i], 0)
		return err
	})
}

// prepareNamed is prepare for programs by name. With copies, nobody knows their sites.
func (s *programSet) prepareNamed(ctx context.Context, names ...string) error {
	if s.copies {
		return nil
	}
	keys := make([]programKey, len(names))
	for i, name := range names {
		keys[i].name = name
	}
	return s.prepare(ctx, keys...)
}

// atATime calls f for each number below n, several at a time, and joins the errors.
func atATime(n int, f func(int) error) error {
	errs := make([]error, n)
	room := make(chan struct{}, min(atOnce, runtime.GOMAXPROCS(0)))
	var wg sync.WaitGroup
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// take returns a program for a site. The caller calls drop for each take.
func (s *programSet) take(key programKey) (*ebpf.Program, error) {
	p, err := s.get(key, 1)
	if err != nil {
		return nil, err
	}
	return p.Program, nil
}

// get adds users to a program. It loads the program, or waits while another goroutine
// does.
func (s *programSet) get(key programKey, users int) (*program, error) {
	s.mu.Lock()
	p := s.loaded[key]
	first := p == nil
	if first {
		p = &program{ready: make(chan struct{})}
		s.loaded[key] = p
	}
	p.users += users
	s.mu.Unlock()
	if !first {
		<-p.ready
		return p, p.err
	}
	defer close(p.ready)
	if p.Program, p.err = s.load(key); p.err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.loaded, key) // the next user tries again
	}
	return p, p.err
}

// load loads a program, and with copies its site.
func (s *programSet) load(key programKey) (*ebpf.Program, error) {
	maps, free, err := s.mapsOf(key.site)
	if err != nil {
		return nil, err
	}
	defer free() // the program keeps them
	prog, err := s.loader.load(s.spec.Programs[key.name], maps)
	if err != nil {
		return nil, loadError(fmt.Errorf("program %s: %w", key.name, err))
	}
	return prog, nil
}

// mapsOf returns the maps of a program for a site. The caller calls free when the program
// is loaded.
func (s *programSet) mapsOf(site probesSite) (all map[string]*ebpf.Map, free func(), err error) {
	if !s.copies {
		return s.maps, func() {}, nil
	}
	own, err := s.constantsWith(site)
	if err != nil {
		return nil, nil, err
	}
	return withMap(s.maps, constants, own), func() { _ = own.Close() }, nil
}

// constantsWith creates the map of constants of a program for a site.
func (s *programSet) constantsWith(site probesSite) (*ebpf.Map, error) {
	spec := (&ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{constants: s.spec.Maps[constants]}, Variables: s.spec.Variables,
	}).Copy()
	if err := spec.Variables[compatVarOnlySite].Set(site); err != nil {
		return nil, fmt.Errorf("set %s: %w", compatVarOnlySite, err)
	}
	maps.DeleteFunc(spec.Variables, func(_ string, v *ebpf.VariableSpec) bool { return v.SectionName != constants })
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, loadError(err)
	}
	defer coll.Close()
	return coll.DetachMap(constants), nil
}

// drop frees a copy that no place uses any more. A program without copies stays.
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
	loaded := s.loaded
	s.loaded = make(map[programKey]*program)
	s.mu.Unlock()
	var err error
	for _, p := range loaded {
		if <-p.ready; p.err == nil {
			err = errors.Join(err, p.Close())
		}
	}
	s.common.Close()
	return err
}
