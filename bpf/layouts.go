//go:build linux

package bpf

import (
	"fmt"
	"slices"
	"sync"

	"github.com/cilium/ebpf"

	"h2trace/bpf/layout"
	"h2trace/bpf/plan"
)

// connLayout is where connections of one side keep their state. Two with the same
// offsets are equal.
type connLayout interface {
	read(image []byte, at layout.Place) (layout.State, bool)
	readStream(s *probesStreamState, at layout.Place, of *layout.State) (layout.Stream, bool)
	// owned returns the offsets of a stream's connection and of its identifier.
	owned() (conn, id uint64)
	// entry returns what the programs need.
	entry() probesHttp2Layout
	role() Role
}

// layoutOf returns the layout of a site, or nil.
func layoutOf(site plan.Site) connLayout {
	switch {
	case site.Layout != nil:
		return clientLayout{*site.Layout}
	case site.Server != nil:
		return serverLayout{*site.Server}
	}
	return nil
}

type clientLayout struct{ layout.Client }

func (l clientLayout) read(image []byte, at layout.Place) (layout.State, bool) {
	return l.Read(image, at)
}

func (l clientLayout) readStream(s *probesStreamState, at layout.Place, of *layout.State) (layout.Stream, bool) {
	return l.ReadStream(s.Conn, s.Id, s.Flows[:], s.Ends[:], at, of)
}

func (l clientLayout) owned() (conn, id uint64) { return uint64(l.StreamConn), uint64(l.StreamID) }

func (l clientLayout) entry() probesHttp2Layout {
	return probesHttp2Layout{
		Size:       l.Size,
		Mu:         l.Mu,
		Cond:       l.Cond,
		WriteMu:    l.WriteMu,
		WriteErr:   l.WriteErr,
		Framer:     l.Framer,
		StickyConn: l.StickyConn,
		StickyErr:  l.StickyErr,
		FramerW:    l.FramerW,
		StreamConn: l.StreamConn,
		StreamId:   l.StreamID,
		StreamFlow: l.StreamFlow,
		StreamEnd:  l.SentEnd,
	}
}

func (clientLayout) role() Role { return RoleClient }

type serverLayout struct{ layout.Server }

func (l serverLayout) read(image []byte, at layout.Place) (layout.State, bool) {
	return l.Read(image, at)
}

func (l serverLayout) readStream(s *probesStreamState, at layout.Place, of *layout.State) (layout.Stream, bool) {
	return l.ReadStream(s.Conn, s.Id, s.BehindId, s.Flows[:], s.Ends[:], at, of)
}

func (l serverLayout) owned() (conn, id uint64) { return uint64(l.StreamConn), uint64(l.StreamID) }

func (l serverLayout) entry() probesHttp2Layout {
	return probesHttp2Layout{
		Size:       l.Size,
		Framer:     l.Framer,
		FramerW:    l.FramerW,
		StreamConn: l.StreamConn,
		StreamId:   l.StreamID,
		StreamFlow: l.StreamFlow,
		StreamEnd:  l.StreamState,
		Writing:    l.Writing,
		Streams:    l.Streams,
		Upload:     l.Upload,
	}
}

func (serverLayout) role() Role { return RoleServer }

// layoutTable numbers the layouts that the programs know. It is safe for concurrent
// use: the Reader looks layouts up while executables are attached.
type layoutTable struct {
	entries *ebpf.Map // by index

	mu   sync.Mutex
	list []connLayout // guarded by mu
}

// at returns the layout at an index, and nil for an index out of range.
func (t *layoutTable) at(index uint32) connLayout {
	t.mu.Lock()
	defer t.mu.Unlock()
	if uint64(index) >= uint64(len(t.list)) {
		return nil
	}
	return t.list[index]
}

// maxLayouts is the size of the layouts map in recovery/windows.h.
const maxLayouts = 64

// enter gives the programs a layout. It returns its index + 1, or 0 when there is no
// layout or there are too many.
func (t *layoutTable) enter(l connLayout) (uint8, error) {
	if l == nil {
		return 0, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.list, l); i >= 0 {
		return uint8(i + 1), nil
	}
	index := len(t.list)
	if index == maxLayouts {
		return 0, nil
	}
	if err := t.entries.Put(uint32(index), l.entry()); err != nil {
		return 0, fmt.Errorf("describe the memory of HTTP/2 connections: %w", err)
	}
	t.list = append(t.list, l)
	return uint8(index + 1), nil
}
