package packets

import (
	"slices"
	"time"

	"h2trace/bpf"
)

// maxHeldPackets and maxHeldBytes bound what waits for packets before it: some packets of
// 64 KiB that are cut, or many small ones.
const (
	maxHeldPackets = 128
	maxHeldBytes   = 1 << 20
)

// inOrder is a Source in the order of times. Two CPUs that handle packets of a connection at a
// time may put them into the buffer in another order, and a reader of the file, such as tshark,
// would miss the first one.
type inOrder struct {
	Source
	ending func() bool // no more packets come
	waited bool        // for packets, since the last one came

	held  []*bpf.Captured // by time; each has its own bytes
	bytes int             // of them
	given *bpf.Captured   // by the last Read
	spare []*bpf.Captured
}

// Read returns the earliest packet, once none before it is to be expected, and nil if there is
// none. It is valid until the next Read.
func (o *inOrder) Read() (*bpf.Captured, error) {
	if o.given != nil {
		o.spare, o.given = append(o.spare, o.given), nil
	}
	dry := false
	for !dry && len(o.held) < maxHeldPackets && o.bytes < maxHeldBytes {
		p, err := o.Source.Read()
		if err != nil {
			return nil, err
		}
		if dry = p == nil; !dry {
			o.hold(p)
		}
	}
	if len(o.held) == 0 || dry && !o.waited && !o.ending() {
		return nil, nil
	}
	o.given = o.held[0]
	o.held = slices.Delete(o.held, 0, 1)
	o.bytes -= len(o.given.Bytes)
	return o.given, nil
}

// Wait waits for more packets. After it, those that are held go.
func (o *inOrder) Wait(timeout time.Duration) error {
	o.waited = true
	return o.Source.Wait(timeout)
}

// hold keeps a copy of a packet, after those of its time.
func (o *inOrder) hold(p *bpf.Captured) {
	var own *bpf.Captured
	if n := len(o.spare); n > 0 {
		own, o.spare = o.spare[n-1], o.spare[:n-1]
	} else {
		own = new(bpf.Captured)
	}
	bytes := append(own.Bytes[:0], p.Bytes...)
	*own = *p
	own.Bytes = bytes
	at := len(o.held)
	for at > 0 && o.held[at-1].Time > p.Time {
		at--
	}
	o.held = slices.Insert(o.held, at, own)
	o.bytes += len(bytes)
	o.waited = false
}
