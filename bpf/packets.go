//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"h2trace/bpf/mounts"
)

func (p *Packet) parse(sample []byte) error {
	d, err := view[probesPacketRecord](sample, int(unsafe.Sizeof(probesPacketRecord{})))
	if err != nil {
		return err
	}
	if int(d.Copied) > len(d.Payload) || int(d.H.Dir) > Recv {
		return fmt.Errorf("packet record with %d bytes, direction %d", d.Copied, d.H.Dir)
	}
	*p = Packet{
		Dir:        int(d.H.Dir),
		Local:      addrPort(d.Family, d.Local.Addr, d.Local.Port),
		Remote:     addrPort(d.Family, d.Remote.Addr, d.Remote.Port),
		Socket:     d.Socket,
		TCP:        d.Tcp != 0,
		Seq:        d.Seq,
		Length:     int(d.Len),
		Payload:    d.Payload[:d.Copied],
		Comm:       text(d.Comm[:]),
		Generation: Generation(d.Generation),
	}
	return nil
}

// packetHooks are the attach points of the programs that watch packets.
var packetHooks = []struct {
	program string
	attach  ebpf.AttachType
}{
	{packetsProgPacket, ebpf.AttachCGroupInetEgress},
	{packetsProgPacket, ebpf.AttachCGroupInetIngress},
	{packetsProgSocketEvent, ebpf.AttachCGroupSockOps},
	{packetsProgSocketConnect4, ebpf.AttachCGroupInet4Connect},
	{packetsProgSocketConnect6, ebpf.AttachCGroupInet6Connect},
	{packetsProgSocketSendmsg4, ebpf.AttachCGroupUDP4Sendmsg},
	{packetsProgSocketSendmsg6, ebpf.AttachCGroupUDP6Sendmsg},
	{packetsProgSocketBind4, ebpf.AttachCGroupInet4Bind},
	{packetsProgSocketBind6, ebpf.AttachCGroupInet6Bind},
	{packetsProgSocketRelease, ebpf.AttachCgroupInetSockRelease},
}

// packetMaps creates the maps of the programs that watch packets. The caller calls free
// when these are loaded.
func (c *Collector) packetMaps(spec *ebpf.CollectionSpec) (own map[string]*ebpf.Map, free func(), err error) {
	free = func() {}
	size := uint64(c.opts.BufferSize)
	for name, value := range map[string]any{
		packetsVarRingSize:    size,
		packetsVarRingReserve: size / 16,
		packetsVarWakeupShift: wakeupShift(size),
		packetsVarWire:        c.opts.Wire,
		packetsVarLeavesOut:   !c.opts.Bodies,
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, free, fmt.Errorf("set %s: %w", name, err)
		}
	}
	shared := make(map[string]*ebpf.Map) // all maps of the probes that the spec has, too
	for name := range spec.Maps {
		if m := c.programs.maps[name]; m != nil && name != constants {
			shared[name] = m
		}
	}
	spec.Maps[packetsMapRing].MaxEntries = uint32(size)
	noPrograms := *spec
	noPrograms.Programs = nil
	coll, err := ebpf.NewCollectionWithOptions(&noPrograms, ebpf.CollectionOptions{MapReplacements: shared})
	if err != nil {
		return nil, free, loadError(err)
	}
	own = maps.Clone(coll.Maps)
	c.flows = flows{
		wants: coll.DetachMap(packetsMapFlowWants), owners: coll.DetachMap(packetsMapOwners),
		listeners: coll.DetachMap(packetsMapListeners), quic: coll.DetachMap(packetsMapQuicFlows),
	}
	return own, coll.Close, nil // the programs keep the rest
}

// watchPackets starts to report packets between targets and name servers, HTTP without
// TLS, and TLS if that is wanted. own are the maps of its programs. Everything else works
// without it.
func (c *Collector) watchPackets(spec *ebpf.CollectionSpec, own map[string]*ebpf.Map) error {
	root, err := mounts.Cgroup2()
	if err != nil {
		return err
	}
	links, err := c.attachPackets(spec, own, root)
	if err != nil {
		return errors.Join(err, closeLinks(links))
	}
	c.hooks = append(c.hooks, links...)
	return nil
}

// attachPackets loads the programs that watch packets, and attaches them to a cgroup.
func (c *Collector) attachPackets(spec *ebpf.CollectionSpec, own map[string]*ebpf.Map, cgroup string) ([]link.Link, error) {
	// The longest first, which takes longest.
	names := slices.SortedFunc(maps.Keys(spec.Programs), func(a, b string) int {
		return len(spec.Programs[b].Instructions) - len(spec.Programs[a].Instructions)
	})
	progs := make(map[string]*ebpf.Program, len(names))
	var mu sync.Mutex
	defer func() {
		for _, prog := range progs {
			_ = prog.Close() // the links keep them
		}
	}()
	err := atATime(len(names), func(i int) error {
		prog, err := c.programs.loader.load(spec.Programs[names[i]], own)
		mu.Lock()
		defer mu.Unlock()
		progs[names[i]] = prog
		return err
	})
	if err != nil {
		return nil, loadError(err)
	}
	var links []link.Link
	for _, hook := range packetHooks {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: cgroup, Attach: hook.attach, Program: progs[hook.program]})
		if err != nil {
			return links, fmt.Errorf("attach to cgroup %s: %w", cgroup, err)
		}
		links = append(links, l)
	}
	return links, nil
}

// PacketsWatched returns why packets are not watched, or nil.
func (c *Collector) PacketsWatched() error { return c.noPackets }

// CheckPackets tries to watch packets, which a capture can do without.
func CheckPackets() error {
	c, err := New(Options{BufferSize: MinBufferSize})
	if err != nil {
		return firstLine(err)
	}
	return errors.Join(c.noPackets, c.Close())
}

// flows are the maps of connections whose bytes come from packets; nil where packets are not
// watched.
type flows struct {
	wants, owners, listeners, quic *ebpf.Map
}

func (f *flows) close() error {
	return errors.Join(f.wants.Close(), f.owners.Close(), f.listeners.Close(), f.quic.Close())
}
