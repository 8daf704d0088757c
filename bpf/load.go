package bpf

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/ringbuf"
)

// load puts maps and programs into the kernel: those that are made for it, or
// those for kernels that lack what these need.
func (c *Collector) load() error {
	useCompat := c.opts.compat || needsCompat()
	readSpec := loadProbes
	if useCompat {
		readSpec = loadCompat
	}
	spec, err := readSpec()
	if err != nil {
		return fmt.Errorf("read the compiled probes: %w", err)
	}
	if err := c.configure(spec); err != nil {
		return err
	}
	if useCompat {
		err = c.loadShared(spec)
	} else {
		err = c.loadAll(spec)
	}
	if err != nil {
		return err
	}
	if err := c.enterNames(); err != nil {
		return err
	}
	if c.reader, err = ringbuf.NewReader(c.probes.Ring); err != nil {
		return fmt.Errorf("map the ring buffer: %w", err)
	}
	c.reader.SetDeadline(time.Now()) // none at all would be to wait forever
	return nil
}

// verifyPrograms are those that nothing but Options.Verify attaches. To load them
// takes the kernel as long as all others together.
var verifyPrograms = []string{
	probesProgVerifyEncode, probesProgVerifyWrite, probesProgVerifyDecode, probesProgVerifyEmit,
}

// loadAll loads each program once: a site's number comes with the hit.
func (c *Collector) loadAll(spec *ebpf.CollectionSpec) error {
	c.multi = features.HaveBPFLinkUprobeMulti() == nil
	for _, prog := range spec.Programs {
		if c.multi && prog.Type == ebpf.Kprobe {
			prog.AttachType = ebpf.AttachTraceUprobeMulti
		}
	}
	if !c.opts.Verify {
		for _, name := range verifyPrograms {
			spec.Programs[name].Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
		}
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return loadError(err)
	}
	defer coll.Close()
	c.programs = maps.Clone(coll.Programs)
	return coll.Assign(&c.probes)
}

// configure sets the constants of the programs from the options.
func (c *Collector) configure(spec *ebpf.CollectionSpec) error {
	size := uint64(c.opts.BufferSize)
	spec.Maps[probesMapRing].MaxEntries = uint32(size)
	for name, value := range map[string]any{
		probesVarRingSize:    size,
		probesVarRingReserve: size / 16,
		probesVarWakeupShift: wakeupShift(size),
		probesVarFollow:      c.opts.Follow,
		probesVarByName:      len(c.opts.Names) > 0,
		probesVarBodyBytes:   uint32(c.opts.BodyBytes),
		probesVarVerifying:   c.opts.Verify,
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// enterNames tells the programs whom to observe by the name of the executable.
func (c *Collector) enterNames() error {
	for _, name := range c.opts.Names {
		var key probesExeName
		if len(name) > MaxName {
			return fmt.Errorf("name %q is longer than %d bytes", name, MaxName)
		}
		copy(key.Text[:], name)
		if err := c.probes.Names.Put(key, uint8(1)); err != nil {
			return fmt.Errorf("observe executables named %q: %w", name, err)
		}
	}
	return nil
}

// loadError keeps the whole log when the verifier refused a program.
func loadError(err error) error {
	if verifier, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		return fmt.Errorf("load the probes: %w\n%s", err, strings.Join(verifier.Log, "\n"))
	}
	return fmt.Errorf("load the probes: %w", err)
}

// wakeupShift makes the kernel wake the reader at each eighth of the buffer.
func wakeupShift(size uint64) uint32 {
	shift := uint32(0)
	for size>>shift > 8 {
		shift++
	}
	return shift
}
