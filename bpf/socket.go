package bpf

import (
	"net/netip"
	"time"
)

// Moved is how many payload bytes a TCP socket has moved, by direction.
type Moved [2]uint64

// Socket is an open TCP or Unix socket of a target, connected or connecting. The
// fields below ID are the state at one moment.
type Socket struct {
	PID int
	ID  uint64 // identifies a socket among those open at one time
	// Name is the name of a Unix socket or of its peer: a path, or "@" and an
	// abstract name. It is empty for a socket without a name, such as one of a
	// socketpair(2).
	Unix          bool
	Name          string
	Local, Remote netip.AddrPort
	Role          Role
	Connecting    bool // the peer has not answered
	Closed        bool // see WatchClose
	Moved         Moved
	Path          Path // of TCP
	// ULP says that an upper layer protocol handles the bytes, as for TLS in the kernel.
	ULP bool
	// Quiet is how long no data has moved, by direction: since the connect, if none
	// ever has. It says nothing of Unix sockets and while Connecting.
	Quiet [2]time.Duration
}

// SocketLeft is a socket that a process has open when it ends, or keeps when it begins to run
// another program (before the Exit or Exec), or a closed socket that was watched (WatchClose).
type SocketLeft struct {
	Head
	Socket Socket
}
