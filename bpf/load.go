package bpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
)

// hookPrograms are attached to tracepoints of the kernel, for good.
var hookPrograms = []string{
	probesProgProcessFork, probesProgProcessExec, probesProgProcessExit, probesProgSockState,
}

// firstPrograms are what most executables need. They are there before the first
// of these is met, which may be held meanwhile. Here and below, those come first
// that take longest.
var firstPrograms = []string{
	probesProgWriteArgs, probesProgReadMemmove, probesProgHandshake, probesProgHandshakeRet,
	probesProgConnClose, probesProgCertificateRet, probesProgCertificate, probesProgFileWrite,
}

// recoveryPrograms are those of BeginRecovery: not needed when a command starts.
var recoveryPrograms = []string{
	probesProgHpackEncode, probesProgHpackDecode, probesProgReadFrame, probesProgProcessFrame,
	probesProgWriteHeaders,
}

// fallbackPrograms are at function entry and RET, by direction.
var fallbackPrograms = [2][]string{
	Send: {probesProgWriteEntry, probesProgWriteRet},
	Recv: {probesProgReadRet, probesProgReadEntry},
}

// verifyPrograms are those of Options.Verify.
var verifyPrograms = []string{
	probesProgVerifyEmit, probesProgVerifyEncode, probesProgVerifyWrite, probesProgVerifyDecode,
}

// load puts the maps into the kernel, and the programs that are needed in any
// case: those that are made for it, or those for kernels that lack what these
// need.
func (c *Collector) load() error {
	copies := c.opts.compat || needsCompat()
	readSpec := loadProbes
	if copies {
		readSpec = loadCompat
	}
	cache := btf.NewCache()
	go cache.Kernel() //nolint:errcheck // whoever needs it waits for it, and meets the error
	spec, err := readSpec()
	if err != nil {
		return fmt.Errorf("read the compiled probes: %w", err)
	}
	if err := c.configure(spec); err != nil {
		return err
	}
	if !copies {
		c.multi = features.HaveBPFLinkUprobeMulti() == nil
	}
	if c.programs, err = newProgramSet(spec, cache, copies, c.multi); err != nil {
		return err
	}
	if err := c.programs.common.Assign(&struct {
		*probesMaps
		*probesVariables
	}{&c.probes.probesMaps, &c.probes.probesVariables}); err != nil {
		return err
	}
	if err := c.loadFirst(cache); err != nil {
		return err
	}
	c.programs.forget()
	if err := c.enterNames(); err != nil {
		return err
	}
	return c.openRing(c.probes.Ring, c.probes.ReaderIdle, c.layouts.at)
}

// loadFirst loads what is needed in any case, and begins to watch packets.
func (c *Collector) loadFirst(cache *btf.Cache) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	if !c.opts.FramesOnly {
		beside.Go(func() { c.noPackets = c.watchPackets(cache) })
	}
	first := firstPrograms
	if c.opts.Verify {
		first = slices.Concat(verifyPrograms, first)
	}
	if c.opts.Empty {
		first = nil
	}
	return c.programs.prepare(slices.Concat(first, hookPrograms, []string{probesProgSockets})...)
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
