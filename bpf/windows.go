package bpf

import "h2trace/bpf/layout"

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
	if w.layout == nil {
		return RoleUnknown
	}
	return w.layout.role()
}
