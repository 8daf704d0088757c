package bpf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf"

	"h2trace/bpf/layout"
)

// Spotting finds where processes have the *tls.Conn of connections that were open before.
// With Options.Wire it is the way to their keys.
type Spotting struct {
	exes     *Executables
	programs *programSet
	targets  *Targets
}

// Spot reports where a process has the *tls.Conn of a connection whose bytes come from
// packets, the first time that the process reads from it or writes to it.
type Spot struct {
	Head
	Generation Generation
	Ptr        uint64
	layout     *layout.TLS
}

// Begin attaches the probes that spot connections: in the executables at paths for which
// Attach was called, and until End in every executable of a later Attach. Each Read and
// Write takes a trap, so they do not stay for long.
func (s *Spotting) Begin(paths []string) error {
	if !s.exes.opts.Wire || s.exes.opts.Empty {
		return nil
	}
	// Not under the lock: executables held at exec wait for it.
	if err := s.programs.prepareNamed(context.Background(), spotPrograms...); err != nil {
		return err
	}
	return s.exes.begin(spots, paths)
}

// End detaches the probes of Begin.
func (s *Spotting) End() error { return s.exes.end(spots) }

func (s *Spot) parse(head Head, sample []byte, layoutAt func(uint32) *layout.TLS) error {
	raw, err := view[probesSpotRecord](sample, int(unsafe.Sizeof(probesSpotRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*s = Spot{Head: head, Generation: Generation(raw.Generation), Ptr: raw.Ptr, layout: layoutAt(raw.Layout)}
	return nil
}

// tlsLayouts numbers the layouts of a tls.Conn, from 1 on. It is safe for concurrent use.
type tlsLayouts struct {
	mu   sync.Mutex
	list []layout.TLS // guarded by mu
}

// enter returns the number of a layout, and 0 if there are too many.
func (t *tlsLayouts) enter(l *layout.TLS) uint8 {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.list, *l)
	if i < 0 {
		i = len(t.list)
		if i == maxLayouts {
			return 0
		}
		t.list = append(t.list, *l)
	}
	return uint8(i + 1)
}

// at returns the layout of a number, or nil.
func (t *tlsLayouts) at(n uint32) *layout.TLS {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n == 0 || uint64(n) > uint64(len(t.list)) {
		return nil
	}
	return &t.list[n-1]
}

// seek has the probes of Spotting report the *tls.Conn of a socket, once.
func seek(sought *ebpf.Map, cookie uint64) error {
	err := sought.Update(cookie, uint8(0), ebpf.UpdateNoExist)
	if err != nil && !errors.Is(err, ebpf.ErrKeyExist) {
		return fmt.Errorf("look for the connection of a socket: %w", err)
	}
	return nil
}
