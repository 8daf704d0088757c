package bpf

import (
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"h2trace/decoder/ktime"
)

// Path is what TCP knew about a connection when it closed, or when its process ended.
type Path struct {
	RTT, MinRTT time.Duration // smoothed, and the least; 0 when not measured
	// RcvRTT is the smoothed time from an acknowledgment to the data that answers it, as
	// the receiver of much data measures it; 0 when not measured.
	RcvRTT time.Duration
	MSS    uint32 // bytes that a segment to the peer may hold
	Unread uint32 // bytes that came, and that the process has not read
	// TTL is that of a received packet, or its hop limit; 0 when unknown.
	TTL         uint8
	Retransmits uint32 // retransmitted segments
	// OutOfOrder counts segments that arrived before an earlier one, which the
	// network lost or reordered.
	OutOfOrder                     uint32
	SegmentsSent, SegmentsReceived uint32
	// Captured says that packets show this, and not the counters of TCP.
	Captured bool

	state     uint8
	errno     syscall.Errno
	readEnded bool // the process had read the end of the connection, or an error
}

// States of TCP in which the peer has ended its direction, and the process has not or
// did so later (include/net/tcp_states.h).
const (
	tcpCloseWait = 8
	tcpLastAck   = 9
)

// EndedByPeer reports whether the peer ended the connection first: TCP got its FIN or
// RST, or the process read its close_notify, which may come before the FIN (RFC 8446
// §6.1).
func (p *Path) EndedByPeer() bool {
	return p.readEnded || p.state == tcpCloseWait || p.state == tcpLastAck ||
		p.errno == syscall.ECONNRESET || p.errno == syscall.EPIPE
}

// Err is why the connection broke, 0 when one side closed it.
func (p *Path) Err() syscall.Errno { return p.errno }

func pathOf(p *probesTcpPath) Path {
	return Path{
		RTT:              time.Duration(p.SrttUs) * time.Microsecond,
		MinRTT:           minRTT(p.MinRttUs),
		RcvRTT:           time.Duration(p.RcvRttUs) * time.Microsecond,
		MSS:              p.Mss,
		Unread:           p.Unread,
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

// ConnectFailed reports a connect(2) that failed. Errno is 0 when the process closed
// the socket before there was an outcome.
type ConnectFailed struct {
	Head
	Local, Remote netip.AddrPort
	Start         ktime.Time
	Errno         syscall.Errno // 0 when unknown
	// Unsent says that the kernel sent no SYN. Then there is no Local.
	Unsent     bool
	Comm       string
	Generation Generation
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
