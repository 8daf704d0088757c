//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// OwnSockets makes a process the owner of the TCP sockets that it has open now, with
// Options.Wire also of UDP sockets: those
// from before it became a target, and those that it inherited. A connection among
// them is joined in the middle. Those that a listening socket accepts from now on are
// seen from their first byte. Without packets it does nothing.
//
// For a moment it holds a duplicate of each socket (pidfd_getfd(2)). It does not stop
// the process, and neither reads from a socket nor writes to it.
func (s *Sockets) OwnSockets(pid int, generation Generation, comm string) error {
	if s.owners == nil {
		return nil
	}
	thread, fds, err := socketsOf(pid, os.ReadDir)
	if err != nil || len(fds) == 0 {
		return err
	}
	pidfd, err := openThread(pid, thread)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the sockets of process %d: %w", pid, err)
	}
	defer unix.Close(pidfd)
	if !s.targets.runs(pid, generation) {
		return nil // another process has the id, or it runs another program
	}
	owner := packetsOwner{Tgid: uint32(pid), Generation: uint32(generation)}
	copy(owner.Comm[:len(owner.Comm)-1], comm)
	var ns unix.Stat_t
	if err := unix.Stat("/proc/"+strconv.Itoa(thread)+"/ns/net", &ns); err != nil {
		return nil //nolint:nilerr // it has ended
	}
	for _, fd := range fds {
		socket, getErr := unix.PidfdGetfd(pidfd, fd, 0)
		if getErr != nil {
			continue // closed meanwhile
		}
		if !s.isKept(fd, socket, pid) {
			err = errors.Join(err, s.ownSocket(socket, owner, uint32(ns.Ino)))
		}
		err = errors.Join(err, unix.Close(socket))
	}
	return err
}

// isKept reports whether a process has owned a connection since before it began to run its
// program. The kernel side knows: see sockets/sockets.h.
func (s *Sockets) isKept(fd, socket, pid int) bool {
	var owner packetsOwner
	protocol, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil || protocol != unix.IPPROTO_TCP || fd >= s.examined || s.owners.Lookup(uint32(socket), &owner) != nil {
		return false
	}
	if _, err := unix.Getpeername(socket); err != nil {
		return false // it listens, or is not connected
	}
	return int(owner.Tgid) == pid
}

// ownSocket enters the owner of a socket, unless a target already owns it.
func (s *Sockets) ownSocket(socket int, owner packetsOwner, netns uint32) error {
	protocol, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil || !s.ownable(protocol) {
		return nil //nolint:nilerr // no socket of the Internet
	}
	listens, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err == nil && listens == 1 {
		owner.FromStart = 1
		return s.ownListener(socket, owner, netns)
	}
	var before packetsOwner
	flags := ebpf.UpdateNoExist // it may connect meanwhile, and then is owned from the start
	if s.owners.Lookup(uint32(socket), &before) == nil {
		if s.isOwned(&before) {
			return nil
		}
		flags = ebpf.UpdateAny
	}
	if s.wire {
		// That gives it a cookie, by which Spotting finds it before its first packet.
		if _, err := unix.GetsockoptUint64(socket, unix.SOL_SOCKET, unix.SO_COOKIE); err != nil {
			return os.NewSyscallError("getsockopt", err)
		}
	}
	if _, err := entered(s.owners.Update(uint32(socket), owner, flags)); err != nil {
		return fmt.Errorf("enter the owner of a socket: %w", err)
	}
	return nil
}

func (s *Sockets) ownable(protocol int) bool {
	return protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_MPTCP || s.wire && protocol == unix.IPPROTO_UDP
}

func (s *Sockets) isOwned(by *packetsOwner) bool {
	return s.targets.runs(int(by.Tgid), Generation(by.Generation))
}

// ownListener enters the owner of the sockets that a listening socket accepts. If a
// target has bound it, that one stays the owner.
func (s *Sockets) ownListener(socket int, owner packetsOwner, netns uint32) error {
	name, err := unix.Getsockname(socket)
	if err != nil {
		return nil //nolint:nilerr // closed meanwhile
	}
	key := packetsListener{Netns: netns}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		key.Port = uint16(name.Port)
		if name.Addr != [4]byte{} {
			key.Addr = netip.AddrFrom4(name.Addr).As16()
		}
	case *unix.SockaddrInet6:
		key.Port, key.Addr = uint16(name.Port), name.Addr
	}
	var before packetsOwner
	if s.listeners.Lookup(key, &before) == nil && s.isOwned(&before) {
		return nil
	}
	if err := s.listeners.Put(key, owner); err != nil {
		return fmt.Errorf("enter the owner of a socket: %w", err)
	}
	return nil
}

// openThread opens a handle of a thread that has not ended. The first thread stands
// for the process, as long as it has not ended.
func openThread(pid, thread int) (int, error) {
	flags := 0
	if thread != pid {
		flags = unix.PIDFD_THREAD
	}
	fd, err := unix.PidfdOpen(thread, flags)
	if thread != pid && errors.Is(err, unix.EINVAL) {
		return -1, errors.New("its first thread has ended, and that takes Linux 6.9")
	}
	return fd, os.NewSyscallError("pidfd_open", err)
}

// socketsOf lists the descriptors of a process that are sockets, and a thread that
// has them. A process that has ended has none.
func socketsOf(pid int, readDir func(string) ([]os.DirEntry, error)) (thread int, sockets []int, err error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	tasks, err := readDir(dir)
	for _, thread := range firstFirst(tasks, pid) {
		of := dir + "/" + strconv.Itoa(thread) + "/fd/"
		fds, err := readDir(of)
		if isGone(err) || err == nil && len(fds) == 0 {
			continue // it has ended, before the others or while it was looked at
		}
		if err != nil {
			return thread, nil, fmt.Errorf("look at the sockets of process %d: %w", pid, err)
		}
		return thread, onlySockets(of, fds), nil
	}
	if err != nil && !isGone(err) {
		return pid, nil, fmt.Errorf("look at the sockets of process %d: %w", pid, err)
	}
	return pid, nil, nil
}

// firstFirst returns the ids of threads, with the first thread of the process first:
// in the order of their names 100 comes before 98.
func firstFirst(tasks []os.DirEntry, pid int) []int {
	var threads []int
	for _, task := range tasks {
		if id, err := strconv.Atoi(task.Name()); err == nil && id != pid {
			threads = append(threads, id)
		}
	}
	slices.Sort(threads)
	return append([]int{pid}, threads...)
}

// isGone reports whether an error of reading /proc/PID says that the process is gone.
func isGone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) }

func onlySockets(dir string, entries []os.DirEntry) (fds []int) {
	for _, e := range entries {
		target, err := os.Readlink(dir + e.Name())
		if err != nil || !strings.HasPrefix(target, "socket:") {
			continue
		}
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			fds = append(fds, fd)
		}
	}
	return fds
}
