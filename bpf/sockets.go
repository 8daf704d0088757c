//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Sockets are the open sockets of targets. Its methods are safe for concurrent use.
type Sockets struct {
	targets  *Targets
	programs *programSet
	watched  *ebpf.Map // by WatchClose
	// owners of sockets, and of those that listening sockets accept; nil where
	// packets are not watched.
	owners, listeners *ebpf.Map
	// wire says that sockets of UDP have owners, too, and that Spotting finds those of
	// TCP.
	wire bool
	// examined is how many descriptors of a process the kernel side looks at.
	examined int
}

// maxSockets bounds how many sockets List returns.
const maxSockets = 1 << 16

// List returns all open sockets of targets, once for each process that has them. It
// looks at every open file of the system, so callers call it rarely.
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
		list = append(list, socketOf(use))
	}
	return list, nil
}

// WatchClose makes the kernel report a TCP socket, as SocketLeft, when it closes
// while its process is a target. By then it may have lost its local port. When the
// kernel side is full, further sockets are not reported.
func (s *Sockets) WatchClose(socket *Socket) error {
	err := s.watched.Put(socket.ID, uint32(socket.PID))
	if err != nil && !errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("watch a socket: %w", err)
	}
	return nil
}

func (s *SocketLeft) parse(head Head, sample []byte) error {
	raw, err := view[probesSocketRecord](sample, int(unsafe.Sizeof(probesSocketRecord{})))
	if err != nil {
		return err
	}
	*s = SocketLeft{head, socketOf(&raw.Use)}
	return nil
}

const (
	afUnix     = 1
	tcpSynSent = 2
	tcpClose   = 7
)

func socketOf(use *probesSocketUse) Socket {
	s := Socket{PID: int(use.Tgid), ID: use.Sock, Unix: use.Family == afUnix}
	if s.Unix {
		s.Name = socketName(use.Name[:min(int(use.NameLen), len(use.Name))])
		return s
	}
	s.Local = addrPort(use.Family, use.Local.Addr, use.Local.Port)
	s.Remote = addrPort(use.Family, use.Remote.Addr, use.Remote.Port)
	s.Moved, s.Connecting, s.Role = use.Moved, use.State == tcpSynSent, RoleClient
	s.Closed, s.Path, s.ULP = use.State == tcpClose, pathOf(&use.Path), use.Ulp != 0
	if use.Accepted != 0 {
		s.Role = RoleServer
	}
	for dir, n := range use.Quiet {
		s.Quiet[dir] = time.Duration(n) * jiffy()
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

// jiffy returns the length of a jiffy: the resolution of the coarse clocks, see
// clock_getres(2) and KTIME_LOW_RES in kernel/time/posix-timers.c.
var jiffy = sync.OnceValue(func() time.Duration {
	var res unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &res); err != nil {
		panic(err) // only an unknown clock fails
	}
	return time.Duration(res.Nano())
})
