//go:build linux

package bpf

import (
	"bytes"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"h2trace/decoder/ktime"
)

// The constants of record.go are those of the programs: else one is out of range here.
var (
	same [1]struct{}
	_    = []struct{}{
		same[Send-int(probesDirectionDIR_SEND)],
		same[Recv-int(probesDirectionDIR_RECV)],
		same[RoleUnknown-Role(probesRoleROLE_UNKNOWN)],
		same[RoleClient-Role(probesRoleROLE_CLIENT)],
		same[RoleServer-Role(probesRoleROLE_SERVER)],
		same[RingFull-Reason(probesLossReasonLOSS_RING_FULL)],
		same[ReadFault-Reason(probesLossReasonLOSS_READ_FAULT)],
		same[TableFull-Reason(probesLossReasonLOSS_TABLE_FULL)],
		same[Truncated-Reason(probesLossReasonLOSS_COUNT)],
	}
)

// view reinterprets the start of a sample as one of the generated types. The samples
// of the ring are 8-byte aligned and in host byte order.
func view[T any](sample []byte, size int) (*T, error) {
	if len(sample) < size {
		return nil, fmt.Errorf("record of %d bytes is shorter than its type, %d bytes", len(sample), size)
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(sample))), nil
}

const dataHeaderSize = int(unsafe.Offsetof(probesDataRecord{}.Payload))

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

const segmentHeaderSize = int(unsafe.Offsetof(probesSegmentRecord{}.Payload))

func (s *Segment) parse(head Head, sample []byte) error {
	raw, err := view[probesSegmentRecord](sample, segmentHeaderSize)
	if err != nil {
		return err
	}
	payload, err := payloadOf(sample[segmentHeaderSize:], raw.Len, raw.H.Dir)
	if err != nil {
		return fmt.Errorf("segment record: %w", err)
	}
	head.Conn = raw.Conn
	*s = Segment{
		Head:        head,
		Wire:        wireOf(raw.Conn),
		Dir:         int(raw.H.Dir),
		Seq:         raw.Seq,
		Offset:      raw.Offset,
		Payload:     payload,
		LeftOut:     int(raw.LeftOut),
		Lost:        Reasons(raw.Lost),
		LostRecords: raw.LostRecords,
		LostBytes:   raw.LostBytes,
		Stale:       raw.H.Stale != 0,
		PeerEnded:   raw.H.PeerEnded != 0,
		First:       raw.First,
	}
	return nil
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
func text(b []byte) string { return string(upToNUL(b)) }

func upToNUL(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b
}

func pathOf(p *probesTcpPath) Path {
	return Path{
		RTT:              time.Duration(p.SrttUs) * time.Microsecond,
		MinRTT:           minRTT(p.MinRttUs),
		RcvRTT:           time.Duration(p.RcvRttUs) * time.Microsecond,
		MSS:              p.Mss,
		Unread:           p.Unread,
		Unsent:           p.Unsent,
		Retransmits:      p.Retransmits,
		OutOfOrder:       p.OutOfOrder,
		SegmentsSent:     p.SegsOut,
		SegmentsReceived: p.SegsIn,
	}
}

// closedPath returns the path of a connection that closed.
func closedPath(c *probesCloseRecord) Path {
	p := pathOf(&c.Path)
	p.TTL, p.state, p.errno, p.readEnded = c.Ttl, c.State, syscall.Errno(c.SkErr), c.ReadEnded != 0
	return p
}

// minRTT returns 0 for ~0, the initial value of the kernel (tcp_init_sock).
func minRTT(us uint32) time.Duration {
	if us == 1<<32-1 {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

func (c *ConnectFailed) parse(head Head, sample []byte) error {
	raw, err := view[probesConnectRecord](sample, int(unsafe.Sizeof(probesConnectRecord{})))
	if err != nil {
		return err
	}
	*c = ConnectFailed{
		Head:       head,
		Local:      addrPort(raw.Family, raw.Local.Addr, raw.Local.Port),
		Remote:     addrPort(raw.Family, raw.Remote.Addr, raw.Remote.Port),
		Start:      ktime.Time(raw.Start),
		Errno:      syscall.Errno(raw.SkErr),
		Comm:       text(raw.Comm[:]),
		Generation: Generation(raw.Generation),
		Unsent:     raw.Unsent != 0,
	}
	if raw.Unsent != 0 {
		c.Local = netip.AddrPort{}
	}
	return nil
}
