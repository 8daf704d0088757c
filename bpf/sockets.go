package bpf

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"h2trace/decoder/ktime"
)

// Moved is how many bytes of data a TCP socket has moved, by direction: sent, and
// received.
type Moved [2]uint64

// Socket is a TCP or Unix socket that a target has open, which is connected or
// connects. What is below ID is as it was at that moment.
type Socket struct {
	PID int
	ID  uint64 // tells sockets apart that are open at a time
	// Name is of a Unix socket, its own or its peer's: a path, or "@" and an
	// abstract name; empty where it has none, as one of a socketpair(2).
	Unix          bool
	Name          string
	Local, Remote netip.AddrPort
	Role          Role
	Connecting    bool // the peer has not answered
	Closed        bool // see WatchClose
	Moved         Moved
	// Quiet is for how long no data went, by direction, where QuietKnown: since it
	// was connected, if none ever did.
	Quiet      [2]time.Duration
	QuietKnown bool
}

// Sockets are those that targets have open. Its methods are safe for concurrent use.
type Sockets struct {
	targets  *Targets
	programs *programSet
	watched  *ebpf.Map // by WatchClose
	// owners of sockets, and of what listening ones accept; nil where packets are not
	// watched.
	owners, listeners *ebpf.Map
}

// maxSockets bounds how many List returns.
const maxSockets = 1 << 16

// List returns all that targets have open, of each process that has them. It
// looks at every open file of the system, so it is not to be called often.
func (s *Sockets) List() ([]Socket, error) {
	list, err := s.list()
	if err != nil {
		return nil, fmt.Errorf("look at the sockets: %w", err)
	}
	return list, nil
}

func (s *Sockets) list() ([]Socket, error) {
	prog, err := s.programs.take(programKey{name: probesProgSockets})
	if err != nil {
		return nil, err
	}
	it, err := link.AttachIter(link.IterOptions{Program: prog})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	r, err := it.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	now, err := kernelTime()
	if err != nil {
		return nil, err
	}
	var list []Socket
	for buf := make([]byte, unsafe.Sizeof(probesSocketUse{})); len(list) < maxSockets; {
		_, err := io.ReadFull(r, buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		use, err := view[probesSocketUse](buf, len(buf))
		if err != nil {
			return nil, err
		}
		list = append(list, socketOf(use, now))
	}
	return list, nil
}

// WatchClose has a TCP socket reported, as SocketLeft, when it closes while its
// process is a target. By then it may have lost its local port. Of more than the
// kernel side has room for the last ones are not reported.
func (s *Sockets) WatchClose(socket *Socket) error {
	err := s.watched.Put(socket.ID, uint32(socket.PID))
	if err != nil && !errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("watch a socket: %w", err)
	}
	return nil
}

// SocketLeft is a socket that a process has open when it ends, or that is closed and
// was to be watched (WatchClose).
type SocketLeft struct {
	Head
	Socket Socket
}

func (s *SocketLeft) parse(head Head, sample []byte) error {
	raw, err := view[probesSocketRecord](sample, int(unsafe.Sizeof(probesSocketRecord{})))
	if err != nil {
		return err
	}
	*s = SocketLeft{head, socketOf(&raw.Use, head.Time)}
	return nil
}

const (
	afUnix     = 1
	tcpSynSent = 2
	tcpClose   = 7
)

// socketOf translates what the kernel side found at a time.
func socketOf(use *probesSocketUse, now ktime.Time) Socket {
	s := Socket{PID: int(use.Tgid), ID: use.Sock, Unix: use.Family == afUnix}
	if s.Unix {
		s.Name = socketName(use.Name[:min(int(use.NameLen), len(use.Name))])
		return s
	}
	s.Local = addrPort(use.Family, use.Local.Addr, use.Local.Port)
	s.Remote = addrPort(use.Family, use.Remote.Addr, use.Remote.Port)
	s.Moved, s.Connecting, s.Role = use.Moved, use.State == tcpSynSent, RoleClient
	s.Closed = use.State == tcpClose
	if use.Accepted != 0 {
		s.Role = RoleServer
	}
	tick := jiffy(use.Jiffies, now)
	s.QuietKnown = tick > 0 && !s.Connecting
	for dir, n := range use.Quiet {
		s.Quiet[dir] = time.Duration(n) * tick
	}
	return s
}

// socketName returns a name as ss(8) prints it.
func socketName(b []byte) string {
	if len(b) > 0 && b[0] == 0 {
		return "@" + string(b[1:])
	}
	name, _, _ := strings.Cut(string(b), "\x00")
	return name
}

// jiffy returns how long the kernel's unit of time is, by what it has counted of
// it at a CLOCK_MONOTONIC, or 0 where that does not tell. It counts from
// INITIAL_JIFFIES, which are five minutes before 2^32.
func jiffy(count uint64, now ktime.Time) time.Duration {
	const head = 300 * time.Second
	var tick time.Duration
	for _, hz := range []int64{100, 250, 300, 1000} { // see CONFIG_HZ
		n := int64(count - 1<<32)
		since := time.Duration(n/hz)*time.Second + time.Duration(n%hz)*time.Second/time.Duration(hz)
		if off := since - (now.Sub(0) - head); off.Abs() < 2*time.Second {
			if tick != 0 {
				return 0 // too near to 2^32
			}
			tick = time.Second / time.Duration(hz)
		}
	}
	return tick
}
