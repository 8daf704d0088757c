//go:build linux

package rights

import (
	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// reaching are system calls with which a thread would reach the network, or change files.
var reaching = []string{
	"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmmsg",
	"creat", "open", "openat2", "truncate", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2",
	"link", "linkat", "symlink", "symlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "lchown",
	"setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "utimensat",
	"kill", "pidfd_send_signal", "memfd_create",
}

// Parser takes from the calling thread, for good, what reading records and decoding them does not
// take: the network, files but to read or as they are open, and signals. The caller has locked its
// goroutine to the thread, and does not unlock it: the runtime starts no other threads from such a
// one, and ends it with the goroutine.
func Parser() error {
	writing := seccomp.Condition{Argument: 2, Operation: seccomp.BitsSet, Value: unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC}
	list, err := present(reaching)
	if err != nil {
		return err
	}
	return load(0, seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{{
		Names: list, NamesWithCondtions: []seccomp.NameWithConditions{when("openat", writing)}, Action: seccomp.ActionErrno,
	}}})
}
