package bpf

import (
	"net/netip"
	"syscall"
	"time"

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
	Unsent uint32 // bytes that the process has written, and that TCP has not sent
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
