//go:build linux

package bpf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// hookPrograms stay attached to tracepoints of the kernel.
var hookPrograms = []string{
	probesProgProcessFork, probesProgProcessExec, probesProgProcessExit, probesProgSockState,
	probesProgFileLock,
}

// firstPrograms are those that most executables need. Here and below, the slowest to
// load come first.
var firstPrograms = []string{
	probesProgWriteArgs, probesProgReadMemmove, probesProgHandshake, probesProgHandshakeRet,
	probesProgConnClose, probesProgEvent,
}

// wirePrograms are those that most executables need with Options.Wire.
var wirePrograms = []string{probesProgEvent}

// recoveryPrograms are those of Recovery.Begin, which no command needs at its start.
var recoveryPrograms = []string{
	probesProgHpackEncode, probesProgHpackDecode, probesProgReadFrame, probesProgProcessFrame,
	probesProgWriteHeaders,
}

// spotPrograms are those of Spotting.Begin.
var spotPrograms = []string{probesProgSpotSlot, probesProgSpotArgs}

// verifyPrograms are those of Options.Verify.
var verifyPrograms = []string{
	probesProgVerifyEmit, probesProgVerifyEncode, probesProgVerifyWrite, probesProgVerifyPromise,
	probesProgVerifyDecode,
}

// load loads the maps, and the programs that are always needed: the normal ones, or
// those for kernels that lack an optional feature.
func (c *Collector) load() error {
	copies := c.opts.compat || needsCompat()
	probes := _ProbesBytes
	if copies {
		probes = _CompatBytes
	}
	planned := planAhead(c.opts.First, c.opts.Mode)
	objects := [][]byte{probes, _PacketsBytes}
	if c.opts.Capture > 0 {
		objects = append(objects, _CaptureBytes)
	}
	specs := make([]*ebpf.CollectionSpec, len(objects))
	if err := atATime(len(objects), func(i int) (err error) {
		specs[i], err = readObject(objects[i])
		return err
	}); err != nil {
		return fmt.Errorf("read the compiled programs: %w", err)
	}
	spec, packets := specs[0], specs[1]
	allocateLater(spec, packets)
	loader, err := newProgramLoader(objects, specs...)
	if err != nil {
		return err
	}
	if err := configure(spec, &c.opts); err != nil {
		return err
	}
	multi := !copies && haveUprobeMulti()
	if c.programs, err = newProgramSet(spec, loader, copies, multi); err != nil {
		return err
	}
	if err := c.programs.common.Assign(&struct {
		*probesMaps
		*probesVariables
	}{&c.probes.probesMaps, &c.probes.probesVariables}); err != nil {
		return err
	}
	if err := errors.Join(enterNames(c.probes.Names, c.opts.Names), enterCgroups(c.probes.Cgroups, c.opts.Cgroups)); err != nil {
		return err
	}
	var examined uint32
	if err := spec.Variables[probesVarExaminedFds].Get(&examined); err != nil {
		return err
	}
	var own map[string]*ebpf.Map
	if !c.opts.FramesOnly {
		var free func()
		own, free, c.noPackets = c.packetMaps(packets)
		defer free()
	}
	layouts := &layoutTable{entries: c.probes.Layouts}
	known := &tlsLayouts{entries: c.probes.TlsLayouts}
	c.divide(layouts, known, multi)
	c.Sockets.examined = int(examined)
	if err := c.Executables.watch(planned); err != nil {
		return err
	}
	if err := c.loadFirst(func() error { return c.startPackets(specs[1:], own) }); err != nil {
		return err
	}
	return c.openRing(c.probes.Ring, c.probes.ReaderIdle, layouts.at, known.at)
}

// divide gives each part of the Collector its own maps and programs.
func (c *Collector) divide(layouts *layoutTable, known *tlsLayouts, multi bool) {
	maps := &c.probes.probesMaps
	c.Targets = &Targets{byPID: maps.Targets, calls: maps.Calls, counters: maps.Counters}
	c.Executables = newExecutables(&c.opts, &probeSites{
		opts: &c.opts, programs: c.programs, multi: multi, entries: maps.Sites,
		errors: errorTable{entries: maps.ErrorTypes}, layouts: layouts, tls: known,
	}, c.noPackets == nil)
	c.Connections = &Connections{
		byKey: maps.Conns, socks: maps.Socks, counters: maps.Counters,
		wants: maps.Wants, windowWants: maps.WindowWants, flowWants: c.flows.wants,
	}
	c.Recovery = &Recovery{
		exes: c.Executables, programs: c.programs, on: c.probes.Recovering, hits: c.probes.RecoveryHits,
	}
	c.Spotting = &Spotting{exes: c.Executables, programs: c.programs, targets: c.Targets, hits: c.probes.SpotHits}
	c.Sockets = &Sockets{
		targets: c.Targets, programs: c.programs, watched: maps.Watched,
		owners: c.flows.owners, listeners: c.flows.listeners, wire: c.opts.Wire,
	}
	c.QUICFlows = &QUICFlows{byKey: c.flows.quic}
}

// loadFirst loads what is always needed, starts to watch packets, and attaches the
// probes of Options.First meanwhile. Without packets, the bytes come from probes.
func (c *Collector) loadFirst(startPackets func() error) error {
	var beside sync.WaitGroup
	var uncaptured error
	beside.Go(func() { uncaptured = startPackets() })
	if c.opts.First != "" {
		beside.Go(func() {
			// Who runs it attaches it again, and learns what went wrong.
			c.first, _ = c.Executables.Attach(c.opts.First)
		})
	}
	if c.opts.Meanwhile != nil {
		beside.Go(func() { c.opts.Meanwhile(c.Targets, c.Executables) })
	}
	err := c.programs.prepareNamed(context.Background(), hookPrograms...)
	beside.Wait()
	if err = errors.Join(err, uncaptured); c.noPackets == nil {
		return err
	}
	return errors.Join(err, c.withoutPackets())
}

// startPackets starts to watch packets, unless there are no maps for that, and to copy them, if
// that is wanted. Its error is why they are not copied. specs are the programs.
func (c *Collector) startPackets(specs []*ebpf.CollectionSpec, own map[string]*ebpf.Map) error {
	if own != nil {
		c.noPackets = c.watchPackets(specs[0], own)
	}
	switch {
	case c.opts.Capture == 0:
		return nil
	case c.noPackets != nil:
		return fmt.Errorf("packets are not watched: %w", c.noPackets)
	case own == nil:
		return errors.New("frames alone have no packets")
	}
	return c.startCapture(specs[1])
}

// withoutPackets takes back what was done as if packets were watched.
func (c *Collector) withoutPackets() error {
	c.opts.Wire, c.first = false, nil
	err := errors.Join(c.Executables.withoutPackets(), c.flows.close())
	c.flows = flows{}
	c.Connections.flowWants, c.QUICFlows.byKey = nil, nil
	c.Sockets.owners, c.Sockets.listeners, c.Sockets.wire = nil, nil, false
	return err
}

// ReleaseFirst says that Options.First is attached again, for a process that will run it.
func (c *Collector) ReleaseFirst() error {
	exe := c.first
	c.first = nil
	if exe == nil {
		return nil
	}
	return c.Executables.Release(exe)
}

// Prepare loads what targets are likely to need soon: they may be held at exec
// meanwhile. It loads no more once ctx is done.
func (c *Collector) Prepare(ctx context.Context) error {
	if c.opts.Empty {
		return nil
	}
	likely := slices.Concat(firstPrograms, recoveryPrograms)
	if c.opts.Wire {
		likely = wirePrograms
	}
	return c.programs.prepareNamed(ctx, likely...)
}

// configure sets the constants of the programs from the options.
func configure(spec *ebpf.CollectionSpec, opts *Options) error {
	size := uint64(opts.BufferSize)
	ring := spec.Maps[probesMapRing]
	ring.MaxEntries = uint32(size)
	ring.Value = nil // the kernel takes no types of records, and says so after it has allocated the pages
	for name, value := range map[string]any{
		probesVarRingSize:    size,
		probesVarRingReserve: size / 16,
		probesVarWakeupShift: wakeupShift(size),
		probesVarFollow:      opts.Follow,
		probesVarByName:      len(opts.Names) > 0,
		probesVarCgroupCount: uint32(len(opts.Cgroups)),
		probesVarOwnTgid:     uint32(os.Getpid()),
		probesVarVerifying:   opts.Verify,
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// allocateLater has hash maps allocate their elements when these are entered. Since
// Linux 6.1 (commit 96da3f7d489d) programs of all types may do that.
func allocateLater(specs ...*ebpf.CollectionSpec) {
	if !sinceLinux(6, 1) {
		return
	}
	for _, spec := range specs {
		for _, m := range spec.Maps {
			if m.Type == ebpf.Hash {
				m.Flags |= unix.BPF_F_NO_PREALLOC
			}
		}
	}
}

// enterNames gives the programs the names of the executables to observe.
func enterNames(names *ebpf.Map, list []string) error {
	for _, name := range list {
		var key probesExeName
		if len(name) > MaxName {
			return fmt.Errorf("name %q is longer than %d bytes", name, MaxName)
		}
		copy(key.Text[:], name)
		if err := names.Put(key, uint8(1)); err != nil {
			return fmt.Errorf("observe executables named %q: %w", name, err)
		}
	}
	return nil
}

// enterCgroups gives the programs the cgroups to observe.
func enterCgroups(cgroups *ebpf.Map, list []string) error {
	for i, path := range list {
		dir, err := os.Open(path)
		if err != nil {
			return err
		}
		err = cgroups.Put(uint32(i), uint32(dir.Fd()))
		_ = dir.Close()
		if err != nil {
			return fmt.Errorf("observe cgroup %s: %w", path, err)
		}
	}
	return nil
}

// loadError says what failed. A refusal of the verifier has the last line of its log, of
// thousands that tell a user nothing.
func loadError(err error) error { return fmt.Errorf("load the probes: %w", err) }

// wakeupShift makes the kernel wake the reader at each eighth of the buffer.
func wakeupShift(size uint64) uint32 {
	shift := uint32(0)
	for size>>shift > 8 {
		shift++
	}
	return shift
}
