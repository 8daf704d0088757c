package bpf

import (
	"fmt"
	"sync"

	"h2trace/bpf/layout"
)

// connLayout is where connections of one side keep their state.
type connLayout struct {
	client *layout.Client
	server *layout.Server
}

func (l connLayout) read(image []byte, at layout.Place) (layout.State, bool) {
	if l.server != nil {
		return l.server.Read(image, at)
	}
	return l.client.Read(image, at)
}

func (l connLayout) readStream(s *probesStreamState, at layout.Place, of *layout.State) (layout.Stream, bool) {
	if l.server != nil {
		return l.server.ReadStream(s.Conn, s.Id, s.BehindId, s.Flows[:], s.Ends[:], at, of)
	}
	return l.client.ReadStream(s.Conn, s.Id, s.Flows[:], s.Ends[:], at, of)
}

// owned returns where a stream has its connection, and its identifier.
func (l connLayout) owned() (conn, id uint64) {
	if l.server != nil {
		return uint64(l.server.StreamConn), uint64(l.server.StreamID)
	}
	return uint64(l.client.StreamConn), uint64(l.client.StreamID)
}

// same reports whether two layouts have the same offsets.
func (l connLayout) same(other connLayout) bool {
	if l.server != nil {
		return other.server != nil && *l.server == *other.server
	}
	return other.client != nil && *l.client == *other.client
}

// entry is what the programs need of it.
func (l connLayout) entry() probesHttp2Layout {
	if s := l.server; s != nil {
		return probesHttp2Layout{
			Size:       s.Size,
			Framer:     s.Framer,
			FramerW:    s.FramerW,
			StreamConn: s.StreamConn,
			StreamId:   s.StreamID,
			StreamFlow: s.StreamFlow,
			StreamEnd:  s.StreamState,
			Writing:    s.Writing,
			Streams:    s.Streams,
			Upload:     s.Upload,
		}
	}
	c := l.client
	return probesHttp2Layout{
		Size:       c.Size,
		Mu:         c.Mu,
		Cond:       c.Cond,
		WriteMu:    c.WriteMu,
		WriteErr:   c.WriteErr,
		Framer:     c.Framer,
		StickyConn: c.StickyConn,
		StickyErr:  c.StickyErr,
		FramerW:    c.FramerW,
		StreamConn: c.StreamConn,
		StreamId:   c.StreamID,
		StreamFlow: c.StreamFlow,
		StreamEnd:  c.SentEnd,
	}
}

// layoutTable numbers the layouts that the programs know.
type layoutTable struct {
	mu   sync.Mutex
	list []connLayout
}

// at returns the layout of an index, and none for one that is out of range.
func (t *layoutTable) at(index uint32) connLayout {
	t.mu.Lock()
	defer t.mu.Unlock()
	if uint64(index) >= uint64(len(t.list)) {
		return connLayout{}
	}
	return t.list[index]
}

// maxLayouts is the size of the layouts map in windows.h.
const maxLayouts = 64

// enterLayout tells the programs a layout and returns its index + 1, or 0 when
// there is none or there are too many.
func (c *Collector) enterLayout(l connLayout) (uint8, error) {
	if l == (connLayout{}) {
		return 0, nil
	}
	c.layouts.mu.Lock()
	defer c.layouts.mu.Unlock()
	for i := range c.layouts.list {
		if l.same(c.layouts.list[i]) {
			return uint8(i + 1), nil
		}
	}
	index := len(c.layouts.list)
	if index == maxLayouts {
		return 0, nil
	}
	if err := c.probes.Layouts.Put(uint32(index), l.entry()); err != nil {
		return 0, fmt.Errorf("describe the memory of HTTP/2 connections: %w", err)
	}
	c.layouts.list = append(c.layouts.list, l)
	return uint8(index + 1), nil
}
