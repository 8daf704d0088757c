//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"h2trace/bpf/mounts"
	"h2trace/decoder/ktime"
)

// Captured is a whole packet of a socket of a target, from its IP header on. It is valid until
// the next Read.
type Captured struct {
	Time       ktime.Time
	Socket     uint64 // identifies the socket
	PID        int
	Generation Generation
	Dir        int // Send or Recv
	Comm       string
	Bytes      []byte
}

// Uncaptured counts packets that found no room in the buffer.
type Uncaptured struct{ Packets, Bytes uint64 }

// Capture reads whole packets of targets, with Options.Capture. They have a buffer of their
// own, so that events never suffer. It is for one goroutine.
type Capture struct {
	ring           ring
	buffer, losses *ebpf.Map
	finished       int // an eventfd(2)
	pieces         map[pieceKey][]byte
	packet         Captured
	cut            [][]byte // what follows of it: segments
}

// pieceKey identifies a packet that comes in pieces.
type pieceKey struct {
	time   ktime.Time
	socket uint64
	dir    int
}

// maxPieced bounds the packets of which not all pieces have come.
const maxPieced = 64

// Read returns the next packet, or nil if there is none.
func (c *Capture) Read() (*Captured, error) {
	for len(c.cut) == 0 {
		sample := c.ring.next()
		if sample == nil {
			return nil, nil
		}
		whole, err := c.parse(sample)
		if err != nil {
			return nil, err
		}
		if whole {
			return &c.packet, nil
		}
	}
	c.packet.Bytes, c.cut = c.cut[0], c.cut[1:]
	return &c.packet, nil
}

// Wait returns after some time, when the buffer fills up, or after Finish.
func (c *Capture) Wait(timeout time.Duration) error { return c.ring.waitOr(c.finished, timeout) }

// Finish makes Wait return at once from now on. It is for any goroutine.
func (c *Capture) Finish() error {
	_, err := unix.Write(c.finished, []byte{7: 1})
	return os.NewSyscallError("write", err)
}

// Crowded reports whether half of the buffer is unread.
func (c *Capture) Crowded() bool { return c.ring.backlog() > uint64(len(c.ring.data))/4 }

// parse takes a record: a packet, or a piece of one. It reports whether packet is whole.
func (c *Capture) parse(sample []byte) (whole bool, err error) {
	const head = int(unsafe.Offsetof(captureCaptureRecord{}.Bytes))
	r, err := view[captureCaptureRecord](sample, head)
	if err != nil {
		return false, err
	}
	if int(r.Len) > len(sample)-head || r.At+r.Len > r.Whole || int(r.Dir) > Recv {
		return false, fmt.Errorf("captured packet with %d bytes at %d of %d, direction %d", r.Len, r.At, r.Whole, r.Dir)
	}
	p := &c.packet
	comm := p.Comm
	if name := upToNUL(r.Comm[:]); comm != string(name) {
		comm = string(name)
	}
	*p = Captured{
		Time: ktime.Time(r.Time), Socket: r.Socket, PID: int(r.Pid), Generation: Generation(r.Generation),
		Dir: int(r.Dir), Comm: comm, Bytes: sample[head : head+int(r.Len)],
	}
	if r.Len == r.Whole && r.Len <= maxPacket {
		return true, nil
	}
	if r.Len != r.Whole {
		p.Bytes = c.join(p, int(r.At), int(r.Whole))
	}
	if p.Bytes != nil {
		c.cut = cut(c.cut[:0], p.Bytes, int(r.Segment))
	}
	return false, nil
}

// join adds a piece to its packet, and returns that if it is the last one.
func (c *Capture) join(piece *Captured, at, whole int) []byte {
	key := pieceKey{piece.Time, piece.Socket, piece.Dir}
	if at == 0 {
		if len(c.pieces) >= maxPieced { // their rest was lost
			clear(c.pieces)
		}
		c.pieces[key] = slices.Clone(piece.Bytes)
		return nil
	}
	b := c.pieces[key]
	if at != len(b) { // one before it was lost
		delete(c.pieces, key)
		return nil
	}
	b = append(b, piece.Bytes...)
	c.pieces[key] = b
	if len(b) < whole {
		return nil
	}
	delete(c.pieces, key)
	return b
}

// Losses returns what was lost of each process; 0 stands for those that the kernel could
// not tell apart.
func (c *Capture) Losses() (map[int]Uncaptured, error) {
	lost := make(map[int]Uncaptured)
	var pid uint32
	var n captureCaptureLoss
	it := c.losses.Iterate()
	for it.Next(&pid, &n) {
		lost[int(pid)] = Uncaptured{n.Packets, n.Bytes}
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("read how many packets were lost: %w", err)
	}
	return lost, nil
}

func (c *Capture) close() error {
	if c == nil {
		return nil
	}
	return errors.Join(c.ring.close(), c.buffer.Close(), c.losses.Close(), unix.Close(c.finished))
}

// startCapture loads the program that copies packets, and attaches it after those that find
// out whose sockets these are.
func (c *Collector) startCapture(spec *ebpf.CollectionSpec) error {
	own, free, err := c.captureMaps(spec)
	if err != nil {
		return err
	}
	defer free()
	prog, err := c.programs.loader.load(spec.Programs[captureProgCapture], own)
	if err != nil {
		return loadError(err)
	}
	defer func() { _ = prog.Close() }() // the links keep it
	root, err := mounts.Cgroup2()
	if err != nil {
		return err
	}
	for _, to := range []ebpf.AttachType{ebpf.AttachCGroupInetEgress, ebpf.AttachCGroupInetIngress} {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: root, Attach: to, Program: prog})
		if err != nil {
			return fmt.Errorf("attach to cgroup %s: %w", root, err)
		}
		c.hooks = append(c.hooks, l)
	}
	return nil
}

// captureMaps creates the maps of the program, and the Capture. The caller calls free when
// the program is loaded.
func (c *Collector) captureMaps(spec *ebpf.CollectionSpec) (own map[string]*ebpf.Map, free func(), err error) {
	size := uint64(c.opts.Capture)
	if err := spec.Variables[captureVarWakeupShift].Set(wakeupShift(size)); err != nil {
		return nil, nil, fmt.Errorf("set %s: %w", captureVarWakeupShift, err)
	}
	ring := spec.Maps[captureMapCaptured]
	ring.MaxEntries, ring.Value = uint32(size), nil
	few := *spec
	few.Programs = nil
	few.Maps = map[string]*ebpf.MapSpec{
		captureMapCaptured: ring, captureMapUncaptured: spec.Maps[captureMapUncaptured], constants: spec.Maps[constants],
	}
	few.Variables = maps.Clone(spec.Variables)
	maps.DeleteFunc(few.Variables, func(_ string, v *ebpf.VariableSpec) bool { return v.SectionName != constants })
	coll, err := ebpf.NewCollection(&few)
	if err != nil {
		return nil, nil, loadError(err)
	}
	own = maps.Clone(coll.Maps)
	own[captureMapOwners], own[captureMapListeners] = c.flows.owners, c.flows.listeners
	c.Capture = &Capture{
		buffer: coll.DetachMap(captureMapCaptured), losses: coll.DetachMap(captureMapUncaptured),
		pieces: make(map[pieceKey][]byte),
	}
	if c.Capture.finished, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		coll.Close()
		return nil, nil, os.NewSyscallError("eventfd", err)
	}
	if err := c.Capture.ring.open(c.Capture.buffer); err != nil {
		coll.Close()
		return nil, nil, fmt.Errorf("map the buffer of packets: %w", err)
	}
	return own, coll.Close, nil
}
