package bpf

import (
	"errors"

	"github.com/cilium/ebpf"
)

// cleartextConn is set in the number of a connection without TLS; the rest is the
// cookie of its socket.
const cleartextConn = 1 << 63

// flows are the maps of connections without TLS; nil where packets are not
// watched.
type flows struct {
	wants, owners, listeners *ebpf.Map
}

func (f *flows) close() error {
	return errors.Join(f.wants.Close(), f.owners.Close(), f.listeners.Close())
}
