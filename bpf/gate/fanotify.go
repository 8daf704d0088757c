package gate

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listener is a fanotify group for permission events. When it is closed, also by the
// end of the process, the kernel allows all waiting execs.
type listener struct {
	fd  int
	buf []byte
}

// held is a process that waits in execve(2) for an answer. Whoever has the value owns
// the descriptor of the file; allow closes it.
type held struct {
	pid int // of the thread group, in the PID namespace of the reader
	fd  int
}

// eventsPerRead bounds how many descriptors one read creates. When the kernel cannot
// create one it denies the exec, so there must always be room.
const eventsPerRead = 16

// newListener creates a group without marks. The queue is unlimited: it holds one
// event for each waiting process, and nothing else.
func newListener() (*listener, error) {
	fd, err := unix.FanotifyInit(
		unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK|unix.FAN_UNLIMITED_QUEUE|unix.FAN_UNLIMITED_MARKS,
		unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fanotify_init: %w", err)
	}
	return &listener{fd: fd, buf: make([]byte, eventsPerRead*unix.FAN_EVENT_METADATA_LEN)}, nil
}

// mark asks for the execs of the whole file system of path.
func (l *listener) mark(path string) error {
	err := unix.FanotifyMark(l.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, path)
	if err != nil {
		return fmt.Errorf("fanotify_mark: %w", err)
	}
	return nil
}

// read appends the processes that began to wait. It returns at once. An error is a
// reason to end: the kernel denies an exec whose file it could not open for the
// listener, and would deny the next one too.
func (l *listener) read(list []held) ([]held, error) {
	n, err := unix.Read(l.fd, l.buf)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return list, nil
	}
	if err != nil {
		return list, fmt.Errorf("read fanotify events: %w", err)
	}
	for b := l.buf[:n]; len(b) >= unix.FAN_EVENT_METADATA_LEN; {
		m := (*unix.FanotifyEventMetadata)(unsafe.Pointer(unsafe.SliceData(b)))
		if m.Vers != unix.FANOTIFY_METADATA_VERSION || int(m.Event_len) > len(b) || m.Event_len < unix.FAN_EVENT_METADATA_LEN {
			return list, fmt.Errorf("fanotify events of version %d", m.Vers)
		}
		// An event without a descriptor needs no answer: it is FAN_Q_OVERFLOW, and
		// the kernel allowed the exec.
		if m.Fd >= 0 {
			list = append(list, held{pid: int(m.Pid), fd: int(m.Fd)})
		}
		b = b[m.Event_len:]
	}
	return list, nil
}

// allow lets a process continue.
func (l *listener) allow(h held) error {
	response := unix.FanotifyResponse{Fd: int32(h.fd), Response: unix.FAN_ALLOW}
	_, err := unix.Write(l.fd, (*[unsafe.Sizeof(response)]byte)(unsafe.Pointer(&response))[:])
	unix.Close(h.fd)
	if errors.Is(err, unix.ENOENT) {
		return nil // it was killed while it waited
	}
	if err != nil {
		return fmt.Errorf("answer fanotify: %w", err)
	}
	return nil
}

// Available reports whether this kernel lets this user hold executables on the
// mounted file systems. It holds none: the mark that it tries is on a file that
// nobody can execute.
func Available() error {
	l, err := newListener()
	if err != nil {
		return err
	}
	defer unix.Close(l.fd)
	fd, err := unix.MemfdCreate("h2trace-check", unix.MFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	defer unix.Close(fd)
	if err := unix.FanotifyMark(l.fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC_PERM, fd, ""); err != nil {
		return fmt.Errorf("fanotify_mark: %w", err)
	}
	return canMark()
}
