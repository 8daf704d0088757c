package bpf

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"unsafe"
)

// Kind says what a Record tells of.
type Kind uint8

// The kinds, as record.h numbers them.
const (
	KindData    = Kind(probesRecordKindRECORD_DATA)
	KindOpen    = Kind(probesRecordKindRECORD_OPEN)
	KindClose   = Kind(probesRecordKindRECORD_CLOSE)
	KindExec    = Kind(probesRecordKindRECORD_EXEC)
	KindExit    = Kind(probesRecordKindRECORD_EXIT)
	KindTable   = Kind(probesRecordKindRECORD_TABLE)
	KindBlock   = Kind(probesRecordKindRECORD_BLOCK)
	KindWindows = Kind(probesRecordKindRECORD_WINDOWS)
	// KindMessage is for what the go command says on stderr.
	KindMessage   = Kind(probesRecordKindRECORD_MESSAGE)
	KindConnect   = Kind(probesRecordKindRECORD_CONNECT)
	KindField     = Kind(probesRecordKindRECORD_FIELD)
	KindList      = Kind(probesRecordKindRECORD_LIST)
	KindDNS       = Kind(probesRecordKindRECORD_DNS)
	KindHandshake = Kind(probesRecordKindRECORD_HANDSHAKE)
	// kindPiece is part of a table, and for nobody but the Collector.
	kindPiece = Kind(probesRecordKindRECORD_PIECE)
	// KindSegment is for the payload of a TCP segment, and KindHello for a
	// packet with a piece of a ClientHello.
	KindSegment = Kind(probesRecordKindRECORD_SEGMENT)
	KindHello   = Kind(probesRecordKindRECORD_HELLO)
	// KindSocket is for a socket that a process has open when it ends.
	KindSocket = Kind(probesRecordKindRECORD_SOCKET)
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

// Reasons is a set of causes for which records were seen and not delivered.
type Reasons uint32

// has reports whether the set holds the cause.
func (r Reasons) has(cause Reason) bool { return r&(1<<cause) != 0 }

// Reason is a cause for which a record was seen and not delivered.
type Reason uint8

// The causes.
const (
	RingFull    = Reason(probesLossReasonLOSS_RING_FULL)
	ReadFault   = Reason(probesLossReasonLOSS_READ_FAULT)
	TableFull   = Reason(probesLossReasonLOSS_TABLE_FULL)
	reasonCount = int(probesLossReasonLOSS_COUNT)
)

// Record is one record from the kernel. Only the fields of its Kind are set;
// Payload belongs to the Collector and is valid until the next Read.
type Record struct {
	Kind Kind
	Time int64 // CLOCK_MONOTONIC, nanoseconds
	PID  int
	Conn uint64 // unique while the Collector lives; 0 when the record is of none

	Data    Data
	Open    Open
	Close   Close
	Exec    Exec
	Exit    Exit
	Table   Table
	Block   Block
	Windows Windows
	// Message is what was said in one call, or the beginning of it and "…".
	Message   string
	Connect   Connect
	Field     Field
	List      List
	Packet    Packet // also of KindHello
	Handshake Handshake
	Socket    Socket
}

// Data is payload of one direction of a connection. Seq counts the records
// before it in that direction, also the lost ones, and Offset all of its bytes.
// Where Seq jumps, records were lost: Lost says why, and LostBytes how much was
// in them. Where only Offset jumps, bytes of DATA payloads were left out. An
// empty Payload marks the end of such bytes. Stale says that records of the other
// direction were lost by then, which no later one of theirs has told of yet.
//
// Of a connection without TLS it is a segment, as KindSegment, or a part of one:
// these come as they went through the kernel, maybe out of order, and more than
// once, and their Seq in another order when they were on two CPUs. LostRecords and
// LostBytes are what was lost since the connection began. LeftOut bytes come first
// that were left out, and Payload follows them.
type Data struct {
	Dir       int // Send or Recv
	Seq       uint64
	Offset    uint64
	Payload   []byte
	Lost      Reasons
	LostBytes uint64
	Stale     bool

	// Of a segment:
	LeftOut     int
	First       uint32 // the sequence number of offset 0 (RFC 9293 §3.4)
	LostRecords uint32
	// Followed says that the kernel knows which frames the segment holds. Where
	// it does not, PayloadWish.Place helps it.
	Followed bool
}

// Open tells of a new connection. Local and Remote are zero when its socket
// is not known.
type Open struct {
	Local, Remote netip.AddrPort
	Role          Role
	Handshake     bool // seen from before its TLS handshake, or its first byte
	Plain         bool // without TLS
	Comm          string
	Ptr           uint64 // of its *tls.Conn in the process
	// ConnectStart and Established are when its socket began to connect and
	// was connected, both 0 when that was not seen.
	ConnectStart, Established int64
}

// Totals is what passed in each direction of a connection: Seq records and
// Offset bytes, delivered or not, and what of them was lost since the last
// record that was delivered; without TLS, since the connection began.
type Totals struct {
	Seq, Offset [2]uint64
	Lost        [2]Reasons
	LostBytes   [2]uint64
	LostRecords [2]uint32 // without TLS
}

// Close tells of the end of a connection and, when Socket is set, what TCP knew
// of the path.
type Close struct {
	Totals
	Socket bool
	Path   Path

	ptr   uint64
	life  uint32
	plain bool
}

const dataHeaderSize = int(unsafe.Offsetof(probesDataRecord{}.Payload))

// view reinterprets the start of a sample as one of the generated types. The
// ring's samples are 8-byte aligned and in host byte order.
func view[T any](sample []byte, size int) (*T, error) {
	if len(sample) < size {
		return nil, fmt.Errorf("record of %d bytes is shorter than its type, %d bytes", len(sample), size)
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(sample))), nil
}

// parse fills r from a sample of the ring.
func (r *Record) parse(sample []byte) error {
	exit, err := view[probesExitRecord](sample, int(unsafe.Sizeof(probesExitRecord{})))
	if err != nil {
		return err
	}
	h := &exit.H
	r.Kind, r.Time, r.PID, r.Conn = Kind(h.Kind), int64(h.Time), int(h.Pid), 0
	switch r.Kind {
	case KindData:
		return r.parseData(sample)
	case KindSegment:
		return r.parseSegment(sample)
	case KindOpen:
		return r.parseOpen(sample)
	case KindClose:
		return r.parseClose(sample)
	case KindTable:
		return r.parseTable(sample)
	case kindPiece:
		return nil // Collector puts it in its table
	case KindBlock:
		return r.parseBlock(sample)
	case KindWindows:
		return r.parseWindows(sample)
	case KindMessage:
		m, err := view[probesMessageRecord](sample, int(unsafe.Sizeof(probesMessageRecord{})))
		if err != nil {
			return err
		}
		r.Message = string(m.Text[:min(int(m.Len), len(m.Text))])
		if int(m.Len) > len(m.Text) {
			r.Message = strings.ToValidUTF8(r.Message, "") + "…"
		}
		return nil
	case KindConnect:
		return r.parseConnect(sample)
	case KindField:
		return r.parseField(sample)
	case KindList:
		return r.parseList(sample)
	case KindHandshake:
		return r.parseHandshake(sample)
	case KindDNS, KindHello:
		return r.parsePacket(sample)
	case KindSocket:
		return r.parseSocket(sample)
	case KindExec:
		return r.parseExec(sample)
	case KindExit:
		r.Exit = Exit{Status: exit.ExitCode, Life: Life(exit.Life)}
		return nil
	}
	return fmt.Errorf("record of unknown kind %d", h.Kind)
}

func (r *Record) parseData(sample []byte) error {
	d, err := view[probesDataRecord](sample, dataHeaderSize)
	if err != nil {
		return err
	}
	payload, err := payloadOf(sample[dataHeaderSize:], d.Len, d.H.Dir)
	if err != nil {
		return fmt.Errorf("data record: %w", err)
	}
	r.Conn = d.Conn
	r.Data = Data{
		Dir:       int(d.H.Dir),
		Seq:       d.Seq,
		Offset:    d.Offset,
		Payload:   payload,
		Lost:      Reasons(d.Lost),
		LostBytes: d.LostBytes,
		Stale:     d.H.Stale != 0,
	}
	return nil
}

// payloadOf returns the first n bytes of what follows the head of a record.
func payloadOf(rest []byte, n uint32, dir uint8) ([]byte, error) {
	if uint64(n) > uint64(len(rest)) || int(dir) > Recv {
		return nil, fmt.Errorf("%d of %d bytes, direction %d", n, len(rest), dir)
	}
	return rest[:n], nil
}

func (r *Record) parseOpen(sample []byte) error {
	o, err := view[probesOpenRecord](sample, int(unsafe.Sizeof(probesOpenRecord{})))
	if err != nil {
		return err
	}
	r.Conn = o.Conn
	r.Open = Open{
		Local:     addrPort(o.Family, o.Local.Addr, o.Local.Port),
		Remote:    addrPort(o.Family, o.Remote.Addr, o.Remote.Port),
		Role:      Role(o.Role),
		Handshake: o.Handshake != 0,
		Plain:     o.Plain != 0,
		Comm:      text(o.Comm[:]),
		Ptr:       o.Ptr,
	}
	if o.Established != 0 {
		r.Open.ConnectStart, r.Open.Established = int64(o.Connect), int64(o.Established)
	}
	return nil
}

func (r *Record) parseClose(sample []byte) error {
	c, err := view[probesCloseRecord](sample, int(unsafe.Sizeof(probesCloseRecord{})))
	if err != nil {
		return err
	}
	r.Conn = c.Conn
	r.Close = Close{
		Totals: Totals{
			Seq:       c.Seq,
			Offset:    c.Offset,
			Lost:      [2]Reasons{Reasons(c.Lost[Send]), Reasons(c.Lost[Recv])},
			LostBytes: c.LostBytes,

			LostRecords: c.LostRecords,
		},
		Socket: c.Socket != 0,
		Path:   pathOf(c),
		ptr:    c.Ptr,
		life:   c.Life,
		plain:  c.Conn&plainConn != 0,
	}
	return nil
}

const (
	afInet  = 2
	afInet6 = 10
)

// addrPort returns the zero AddrPort for an unknown family, and an IPv4
// address where IPv6 carries one (RFC 4291 §2.5.5.2).
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
