package bpf

import (
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/cilium/ebpf/link"
)

// Moved is how many bytes a TCP socket has moved, by direction: what its peer
// has acknowledged, and what it has received.
type Moved [2]uint64

// Sockets returns, by process, what the TCP socket that has moved most in each
// direction has moved, of all sockets that targets have open. It looks at every
// open file of the system, so it is not to be called often.
func (c *Collector) Sockets() (map[int]Moved, error) {
	prog, err := c.programs.take(programKey{name: probesProgSockets})
	if err != nil {
		return nil, err
	}
	it, err := link.AttachIter(link.IterOptions{Program: prog})
	if err != nil {
		return nil, fmt.Errorf("look at the sockets: %w", err)
	}
	defer it.Close()
	r, err := it.Open()
	if err != nil {
		return nil, fmt.Errorf("look at the sockets: %w", err)
	}
	defer r.Close()
	moved := make(map[int]Moved)
	for buf := make([]byte, unsafe.Sizeof(probesSocketUse{})); ; {
		_, err := io.ReadFull(r, buf)
		if errors.Is(err, io.EOF) {
			return moved, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look at the sockets: %w", err)
		}
		use, err := view[probesSocketUse](buf, len(buf))
		if err != nil {
			return nil, err
		}
		m := moved[int(use.Tgid)]
		for d := range m {
			m[d] = max(m[d], use.Moved[d])
		}
		moved[int(use.Tgid)] = m
	}
}
