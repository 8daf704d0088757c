//go:build linux

package rights

import (
	"errors"
	"os"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// parserCalls are those of the thread that parses, besides the runtime's: it waits for records, and
// writes to what is open. takeBack of cmd/h2trace/internal/output takes what is not whole off a file.
var parserCalls = []string{"fstat", "ftruncate", "getrusage", "lseek", "poll", "ppoll"}

// Parser leaves the calling thread, for good, what reading records and decoding them takes: no
// capability (but see Locking), and few system calls. None of these opens a file, makes a socket or a
// process, signals another process, or reads its memory. The caller has locked its goroutine to the
// thread, and does not unlock it: the runtime starts no other threads from such a one, and ends it with
// the goroutine.
func Parser() error {
	self := uint64(os.Getpid())
	err := keepInThread(Locking())
	list, presentErr := present(append(parserCalls, goRuntime...))
	if presentErr != nil {
		return errors.Join(err, presentErr)
	}
	return errors.Join(err, load(0, seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{{
		Names: list, NamesWithCondtions: []seccomp.NameWithConditions{
			when("tgkill", is(0, self)),           // preempts goroutines
			when("prctl", is(0, unix.PR_SET_VMA)), // names memory
			when("fcntl", is(1, unix.F_GETFL)),
			when("ioctl", is(1, unix.TIOCGWINSZ)), // how wide a terminal is, for text
		}, Action: seccomp.ActionAllow,
	}}}))
}

// keepInThread drops all capabilities but some from the permitted, effective, inheritable and ambient
// set of the calling thread.
func keepInThread(keep []cap.Value) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var before, after [2]unix.CapUserData
	if err := unix.Capget(&header, &before[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	for _, c := range keep {
		word, bit := c/32, uint32(1)<<(c%32)
		after[word].Permitted |= before[word].Permitted & bit
		after[word].Effective |= before[word].Effective & bit
	}
	// That empties the ambient set, which is never larger than the inheritable one.
	return os.NewSyscallError("capset", unix.Capset(&header, &after[0]))
}
