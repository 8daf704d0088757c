//go:build linux

package bpf

import (
	"context"
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
	hits     *ebpf.Variable
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

// Hits returns how often the probes of Begin found nothing new.
func (s *Spotting) Hits() (hits uint64, err error) {
	if err := s.hits.Get(&hits); err != nil {
		return 0, fmt.Errorf("read what it costs to look for connections: %w", err)
	}
	return hits, nil
}

func (s *Spot) parse(head Head, sample []byte, layoutAt func(uint32) *layout.TLS) error {
	raw, err := view[probesSpotRecord](sample, int(unsafe.Sizeof(probesSpotRecord{})))
	if err != nil {
		return fmt.Errorf("spot record: %w", err)
	}
	head.Conn = raw.Conn
	*s = Spot{Head: head, Generation: Generation(raw.Generation), Ptr: raw.Ptr, Direct: raw.Direct != 0, layout: layoutAt(uint32(raw.Layout))}
	if s.layout == nil {
		return nil
	}
	r := tlsReader{(*spotMemory)(raw), s.Ptr, s.layout}
	if s.State, err = r.read(); err != nil {
		s.State = nil // not yet, or no more
	}
	return nil
}

// spotMemory is the memory that a record has a copy of.
type spotMemory probesSpotRecord

func (m *spotMemory) read(b []byte, addr uint64) error {
	from := func(at uint64, copied []byte) bool {
		off := addr - at
		if at == 0 || addr < at || off > uint64(len(copied)) || uint64(len(b)) > uint64(len(copied))-off {
			return false
		}
		copy(b, copied[off:])
		return true
	}
	if from(m.Ptr, m.Image[:]) {
		return nil
	}
	for i, at := range m.At {
		if from(at, m.Piece[i][:]) {
			return nil
		}
	}
	return errShortRead
}

// tlsLayouts numbers the layouts of a tls.Conn, from 1 on. It is safe for concurrent use.
type tlsLayouts struct {
	entries *ebpf.Map // by number, less 1

	mu   sync.Mutex
	list []layout.TLS // guarded by mu
}

// enter gives the programs a layout, and returns its number. All come from the table of
// package layout, for which the map has room.
func (t *tlsLayouts) enter(l *layout.TLS) (uint8, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.list, *l); i >= 0 {
		return uint8(i + 1), nil
	}
	index := len(t.list)
	entry := probesTlsLayout{Alpn: l.ALPN, Sni: l.SNI}
	for dir, at := range l.Halves() {
		entry.Secret[dir], entry.Cipher[dir] = at+l.Half.Secret, at+l.Half.Cipher
	}
	if err := t.entries.Put(uint32(index), entry); err != nil {
		return 0, fmt.Errorf("describe the memory of TLS connections: %w", err)
	}
	t.list = append(t.list, *l)
	return uint8(index + 1), nil
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
