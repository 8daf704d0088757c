package output

import (
	"errors"

	"golang.org/x/sys/unix"
)

// errStdoutClosed is for a shell's >&-, after which events would go nowhere.
var errStdoutClosed = errors.New("stdout is closed; name a file with -o, or /dev/null for no events")

// stdoutClosed reports whether stdout was closed when h2trace was started. The Go
// runtime opens /dev/null in place of a closed standard descriptor, for reading and
// writing, separately for each. A shell opens it only for writing; a daemon has one
// open file under two or three numbers. kcmp(2) distinguishes these.
func stdoutClosed() bool {
	var st unix.Stat_t
	flags, err := unix.FcntlInt(1, unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE != unix.O_RDWR {
		return errors.Is(err, unix.EBADF)
	}
	if unix.Fstat(1, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3) {
		return false
	}
	return !sameOpenFile(0, 1) && !sameOpenFile(2, 1)
}

// sameOpenFile reports whether two descriptors are copies of one. It returns true if
// the kernel does not say.
func sameOpenFile(a, b int) bool {
	const kcmpFile = 0 // KCMP_FILE of linux/kcmp.h
	pid := uintptr(unix.Getpid())
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, pid, pid, kcmpFile, uintptr(a), uintptr(b), 0)
	return errno != 0 || order == 0
}
