package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// plainConn is set in the number of a connection without TLS; the rest is the
// cookie of its socket.
const plainConn = 1 << 63

// flows are the maps of connections without TLS; nil where packets are not
// watched.
type flows struct {
	wants, owners, listeners *ebpf.Map
}

// FlowWant is what is wanted of a connection without TLS.
type FlowWant struct {
	// Until are offsets, by direction: segments that end before them are left
	// out.
	Until [2]uint64
	// Place are offsets, by direction, at which a frame of HTTP/2 begins, 0 for
	// none: from there on the kernel leaves DATA payloads out, but for
	// Options.BodyBytes. One that has gone by does no harm.
	Place [2]uint64
	// Nothing ends the reporting.
	Nothing bool
}

// WantFlow tells the kernel what is wanted of a connection without TLS. Where
// there is no room for that, all of it is reported.
func (c *Collector) WantFlow(conn uint64, w FlowWant) error {
	if c.flows.wants == nil {
		return nil
	}
	v := packetsFlowWant{Until: w.Until, Place: w.Place}
	if w.Nothing {
		v.Nothing = 1
	}
	err := c.flows.wants.Update(conn&^plainConn, v, ebpf.UpdateLock)
	if err != nil && !errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("say what is wanted of a connection: %w", err)
	}
	return nil
}

// ForgetFlow frees what WantFlow entered.
func (c *Collector) ForgetFlow(conn uint64) error {
	if c.flows.wants == nil {
		return nil
	}
	err := c.flows.wants.Delete(conn &^ plainConn)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("free a connection's entry: %w", err)
	}
	return nil
}

func (f *flows) close() error {
	return errors.Join(f.wants.Close(), f.owners.Close(), f.listeners.Close())
}
