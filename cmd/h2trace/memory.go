//go:build linux

package main

import (
	"math"

	"h2trace/cmd/h2trace/internal/memlimit"
	"h2trace/cmd/h2trace/internal/message"
)

// fitMemory has what observes fit into the memory that there is: with smaller buffers than wanted,
// of which a message says so.
func fitMemory(opts *Options, msg *message.Printer) error {
	buffers := 1
	if opts.Packets.Path != "" {
		buffers++ // packets have their own
	}
	limits := memlimit.Read()
	size, err := limits.Fit(opts.Buffer, buffers)
	if err != nil {
		return err
	}
	if size < opts.Buffer {
		msg.Infof("--buffer is %s and not %s: %s allows %s of memory",
			memlimit.Size(size), memlimit.Size(opts.Buffer), limits.From, memlimit.Size(limits.Memory))
		opts.Buffer = size
	}
	limits.Keep(size, buffers)
	return nil
}

// checkMemory says whether observing fits into the memory that there is, with the default buffer or a
// smaller one.
func checkMemory(p *checkPage) bool {
	const name = "memory of its cgroup and address space"
	limits := memlimit.Read()
	size, err := limits.Fit(defaultBuffer, 1)
	switch {
	case err != nil:
		p.no(name, err, "")
	case limits.Memory == math.MaxUint64:
		p.ok(name, "not limited by a cgroup")
	default:
		p.ok(name, memlimit.Size(limits.Memory)+", which takes --buffer "+memlimit.Size(size))
	}
	return err == nil
}
