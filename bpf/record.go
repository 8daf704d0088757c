package bpf

import (
	"bytes"
	"fmt"
	"net/netip"
	"unsafe"

	"h2trace/decoder/ktime"
)

// The directions of a data record, seen from the observed process.
const (
	Send = int(probesDirectionDIR_SEND)
	Recv = int(probesDirectionDIR_RECV)
)

// Role is the side of a connection that the observed process is on.
type Role uint8

// The roles.
const (
	RoleUnknown = Role(probesRoleROLE_UNKNOWN)
	RoleClient  = Role(probesRoleROLE_CLIENT)
	RoleServer  = Role(probesRoleROLE_SERVER)
)

// Reasons is a set of causes for which records were seen and not delivered: bit 1<<r
// stands for the Reason r.
type Reasons uint32

// Reason is a cause for which a record was seen and not delivered.
type Reason uint8

// The causes.
const (
	RingFull  = Reason(probesLossReasonLOSS_RING_FULL)
	ReadFault = Reason(probesLossReasonLOSS_READ_FAULT)
	TableFull = Reason(probesLossReasonLOSS_TABLE_FULL)

	// Truncated and Gap are of captures: a part of a packet, and a packet, is not in it.
	Truncated   = Reason(probesLossReasonLOSS_COUNT)
	Gap         = Truncated + 1
	reasonCount = int(Gap) + 1
)

// Event is one record of the kernel: a pointer to one of the types with a Head. It
// belongs to the Collector, which reuses it: it is valid until the next Read. The
// caller may keep a copy of the value, except for slices with a shorter life.
type Event interface{ Header() *Head }

// Head is common to all events.
type Head struct {
	Time ktime.Time
	PID  int
	Conn uint64 // unique while the Collector lives; 0 without a connection
}

// Header returns the head of an event.
func (h *Head) Header() *Head { return h }

// Data is payload of one direction of a connection with TLS. Seq counts the earlier
// records of that direction, including lost ones, and Offset counts all of its bytes.
// A jump of Seq means lost records: Lost says why, and LostBytes how many bytes they
// held. Stale says that records of the other direction were lost,
// and that none of its later records has reported this yet. Payload is valid until
// the next Read.
type Data struct {
	Head
	Dir       int // Send or Recv
	Seq       uint64
	Offset    uint64
	Payload   []byte
	Lost      Reasons
	LostBytes uint64
	Stale     bool
}

// Open reports a new connection. Local and Remote are zero when its socket is
// unknown.
type Open struct {
	Head
	Local, Remote netip.AddrPort
	Role          Role
	Handshake     bool // seen since before its TLS handshake, or since its first byte
	Wire          Wire
	Comm          string
	Ptr           uint64 // of its *tls.Conn in the process
	// ConnectStart and Established are the start and the end of its connect, both 0
	// when that was not seen.
	ConnectStart, Established ktime.Time
}

// Totals counts the traffic in each direction of a connection: Seq records and Offset
// bytes, delivered or not. Lost and LostBytes count the losses since the last
// delivered record; where the bytes come from packets, since the connection began.
type Totals struct {
	Seq, Offset [2]uint64
	Lost        [2]Reasons
	LostBytes   [2]uint64
	LostRecords [2]uint32 // from packets
}

// Close reports the end of a connection and, when Socket is set, what TCP knew about
// the path.
type Close struct {
	Head
	Totals
	Socket bool
	Path   Path
	Ended  Ender // of a capture

	key probesConnKey
}

// Ender says who ended a connection, by the packets that ended it.
type Ender uint8

// The enders.
const (
	EndedUnknown Ender = iota
	EndedByPeer
	EndedByProcess
)

// Abandoned says that a connection of a capture is followed no longer.
type Abandoned struct{ Head }

const dataHeaderSize = int(unsafe.Offsetof(probesDataRecord{}.Payload))

// view reinterprets the start of a sample as one of the generated types. The samples
// of the ring are 8-byte aligned and in host byte order.
func view[T any](sample []byte, size int) (*T, error) {
	if len(sample) < size {
		return nil, fmt.Errorf("record of %d bytes is shorter than its type, %d bytes", len(sample), size)
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(sample))), nil
}

func (d *Data) parse(head Head, sample []byte) error {
	raw, err := view[probesDataRecord](sample, dataHeaderSize)
	if err != nil {
		return err
	}
	payload, err := payloadOf(sample[dataHeaderSize:], raw.Len, raw.H.Dir)
	if err != nil {
		return fmt.Errorf("data record: %w", err)
	}
	head.Conn = raw.Conn
	*d = Data{
		Head:      head,
		Dir:       int(raw.H.Dir),
		Seq:       raw.Seq,
		Offset:    raw.Offset,
		Payload:   payload,
		Lost:      Reasons(raw.Lost),
		LostBytes: raw.LostBytes,
		Stale:     raw.H.Stale != 0,
	}
	return nil
}

// payloadOf returns the first n bytes after the head of a record.
func payloadOf(rest []byte, n uint32, dir uint8) ([]byte, error) {
	if uint64(n) > uint64(len(rest)) || int(dir) > Recv {
		return nil, fmt.Errorf("%d of %d bytes, direction %d", n, len(rest), dir)
	}
	return rest[:n], nil
}

func (o *Open) parse(head Head, sample []byte) error {
	raw, err := view[probesOpenRecord](sample, int(unsafe.Sizeof(probesOpenRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*o = Open{
		Head:      head,
		Local:     addrPort(raw.Family, raw.Local.Addr, raw.Local.Port),
		Remote:    addrPort(raw.Family, raw.Remote.Addr, raw.Remote.Port),
		Role:      Role(raw.Role),
		Handshake: raw.Handshake != 0,
		Wire:      wireOf(raw.Conn),
		Comm:      text(raw.Comm[:]),
		Ptr:       raw.Ptr,
	}
	if raw.Established != 0 {
		o.ConnectStart, o.Established = ktime.Time(raw.Connect), ktime.Time(raw.Established)
	}
	return nil
}

func (c *Close) parse(head Head, sample []byte) error {
	raw, err := view[probesCloseRecord](sample, int(unsafe.Sizeof(probesCloseRecord{})))
	if err != nil {
		return err
	}
	head.Conn = raw.Conn
	*c = Close{
		Head: head,
		Totals: Totals{
			Seq:       raw.Seq,
			Offset:    raw.Offset,
			Lost:      [2]Reasons{Reasons(raw.Lost[Send]), Reasons(raw.Lost[Recv])},
			LostBytes: raw.LostBytes,

			LostRecords: raw.LostRecords,
		},
		Socket: raw.Socket != 0,
		Path:   closedPath(raw),
		key:    probesConnKey{Ptr: raw.Ptr, Tgid: raw.H.Pid, Generation: raw.Generation, Round: raw.Round},
	}
	return nil
}

const (
	afInet  = 2
	afInet6 = 10
)

// addrPort returns the zero AddrPort for an unknown family, and an IPv4 address for
// one that is mapped into IPv6 (RFC 4291 §2.5.5.2).
func addrPort(family uint16, addr [16]uint8, port uint16) netip.AddrPort {
	switch family {
	case afInet:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addr[:4])), port)
	case afInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(addr).Unmap(), port)
	}
	return netip.AddrPort{}
}

// text returns the bytes before the first NUL.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
