package bpf

import (
	"unsafe"

	"h2trace/bpf/layout"
)

// maxStreams is how many streams of a connection a WindowWish takes.
const maxStreams = len(probesWindowWant{}.Streams)

// Windows is the flow-control state of a connection in its process. At that moment
// the process had handled all that it read up to one offset, and written all its
// frames up to another, except for the credit that layout.State describes. Both
// offsets are frame boundaries.
type Windows struct {
	Head
	// Offset is by direction. Where bytes come from packets, it is a sequence number, and
	// Unread is how many bytes before that one the process had handled: see Table.
	Offset [2]uint64
	Unread uint32
	// Trusted says that the memory matches the layout, as far as can be checked.
	// Otherwise the rest must not be used.
	Trusted bool
	State   layout.State
	// Streams are the requested ones that the connection has or had: an ended stream
	// stays until its memory is reused.
	Streams []layout.Stream
	// Asked is how many streams were requested.
	Asked int

	place  layout.Place
	layout connLayout
}

// Role returns the side that the process is on.
func (w *Windows) Role() Role {
	switch w.layout.(type) {
	case clientLayout:
		return RoleClient
	case serverLayout:
		return RoleServer
	}
	return RoleUnknown
}

// parse reads a sample. The layout of the executable says what the memory means.
func (w *Windows) parse(head Head, sample []byte, layoutAt func(uint32) connLayout) error {
	raw, err := view[probesWindowsRecord](sample, int(unsafe.Sizeof(probesWindowsRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*w = Windows{Head: head, Offset: raw.Place.Offset, layout: layoutAt(raw.Layout), place: layout.Place{
		Owner:  raw.Place.Owner,
		Framer: raw.Place.Framer,
		Reader: raw.Place.Reader,
		Writer: raw.Place.Writer,
		Sticky: raw.Place.Sticky,
		Locker: raw.Beyond[0],
		Open:   raw.Beyond[0],
		Upload: uint32(raw.Beyond[1]),
	}}
	if wireOf(raw.Conn) != WireNone {
		w.Offset[Recv], w.Unread = packetPlace(raw.Place.Offset[Recv])
	}
	if w.layout == nil {
		return nil
	}
	if w.State, w.Trusted = w.layout.read(raw.Image[:], w.place); !w.Trusted {
		return nil
	}
	w.Asked = min(int(raw.Count), len(raw.Streams))
	for i := range w.Asked {
		s := &raw.Streams[i]
		if stream, ok := w.layout.readStream(s, w.place, &w.State); ok {
			w.Streams = append(w.Streams, stream)
		}
	}
	return nil
}
