package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The gatekeeper and h2trace communicate over a SOCK_SEQPACKET socket, one message
// per packet. The kind decides which fields count.
type message struct {
	Kind kind
	PID  int32
	ID   fileID
}

type kind uint32

// The gatekeeper sends kindReady once marks are set; kindAsk with the descriptor of a
// file that a target executes, and one of the same file through a private mount;
// kindLate for a process that continued without an answer; kindDropped for a file that
// it will ask about again; and kindEnded, when it ends, followed by the reason.
// h2trace sends kindAttached when a file has its probes, until kindDropped; kindPlain
// when it can have none; kindUnknown when it could not find out; kindCover to mark the
// mount namespace of a process, with the descriptor of its root directory.
const (
	kindReady kind = iota + 1
	kindAsk
	kindLate
	kindDropped
	kindEnded
	kindAttached
	kindPlain
	kindUnknown
	kindCover
)

// fileID identifies the contents of a file: a file rewritten in place is a new one.
// Another file may soon reuse the inode number, and the size and the time of the last
// write can be copied (cp -p). The time of the last change of any kind cannot be set.
type fileID struct {
	Dev, Ino   uint64
	Size       int64
	MtimeSec   int64
	MtimeNanos int64
	CtimeSec   int64
	CtimeNanos int64
}

func fileIDOf(fd int) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fileID{}, os.NewSyscallError("fstat", err)
	}
	return fileID{st.Dev, st.Ino, st.Size, st.Mtim.Sec, st.Mtim.Nsec, st.Ctim.Sec, st.Ctim.Nsec}, nil
}

// maxPacket holds a message and a reason.
const maxPacket = 512

// errPeerGone marks the end of the socket: the other process has ended.
var errPeerGone = errors.New("the other end is gone")

// sendMessage never waits, and raises no SIGPIPE. The text follows the message. The
// descriptors are passed along, and stay open here.
func sendMessage(socket int, m message, text string, fds ...int) error {
	b, err := binary.Append(nil, binary.NativeEndian, m)
	if err != nil {
		return err
	}
	b = append(b, text[:min(len(text), maxPacket-len(b))]...)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return unix.Sendmsg(socket, b, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// receiveMessage returns the next message with its text and descriptors, which the
// caller owns.
func receiveMessage(socket, flags int) (m message, text string, fds []int, err error) {
	var b [maxPacket]byte
	var oob [64]byte
	var n, oobn int
	for {
		n, oobn, _, _, err = unix.Recvmsg(socket, b[:], oob[:], flags|unix.MSG_CMSG_CLOEXEC)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return m, "", nil, err
	}
	if fds, err = receivedFDs(oob[:oobn]); err != nil {
		return m, "", nil, err
	}
	if n == 0 {
		return m, "", fds, errPeerGone
	}
	used, err := binary.Decode(b[:n], binary.NativeEndian, &m)
	if err != nil {
		return m, "", fds, fmt.Errorf("packet of %d bytes: %w", n, err)
	}
	return m, string(b[used:n]), fds, nil
}

func receivedFDs(oob []byte) ([]int, error) {
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return unix.ParseUnixRights(&list[0])
}

// filesOf makes files of received descriptors, as many as are expected: nil for those that
// did not come. Others are closed.
func filesOf(fds []int, files ...**os.File) {
	for i, fd := range fds {
		if i < len(files) {
			*files[i] = os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d of the gate", fd))
		} else {
			unix.Close(fd)
		}
	}
}
