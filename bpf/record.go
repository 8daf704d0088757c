package bpf

import (
	"net/netip"

	"h2trace/decoder/ktime"
)

// The directions of a data record, seen from the observed process.
const (
	Send = 0
	Recv = 1
)

// Role is the side of a connection that the observed process is on.
type Role uint8

// The roles.
const (
	RoleUnknown Role = iota
	RoleClient
	RoleServer
)

// Reasons is a set of causes for which records were seen and not delivered: bit 1<<r
// stands for the Reason r.
type Reasons uint32

// Reason is a cause for which a record was seen and not delivered.
type Reason uint8

// The causes.
const (
	RingFull Reason = iota
	ReadFault
	TableFull

	// Truncated and Gap are of captures: a part of a packet, and a packet, is not in it.
	Truncated
	Gap
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

// Generation numbers what a process runs from its fork or exec on, so that later
// users of the same process id are different. It is 0 from AddTarget to the next
// exec.
type Generation uint32
