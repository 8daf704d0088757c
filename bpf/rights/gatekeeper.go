//go:build linux

package rights

import (
	"errors"
	"os"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// gatekeeping are the capabilities of the gatekeeper: to mark file systems that are mounted later,
// to make private mounts, which includes the right to read a map, and to have the kernel open what
// others execute.
var gatekeeping = []cap.Value{cap.SYS_ADMIN, cap.DAC_READ_SEARCH}

// goRuntime are the system calls of the runtime of Go, and of a C library below it, but for clone(2),
// fcntl(2), prctl(2) and tgkill(2).
var goRuntime = []string{
	"brk", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "epoll_create1", "epoll_ctl",
	"epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "exit", "exit_group", "futex", "getcpu", "getpid", "getrandom", "getrlimit",
	"gettid", "gettimeofday", "madvise", "membarrier", "mincore", "mmap", "mprotect", "mremap", "munmap", "nanosleep", "pipe2",
	"read", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield",
	"set_robust_list", "set_tid_address", "sigaltstack", "timer_create", "timer_delete", "timer_settime", "uname", "write",
}

// gatekeeperCalls are those of its own: messages, events, answers, mounts, and where they are.
var gatekeeperCalls = []string{
	"fanotify_mark", "fcntl", "fstat", "fstatfs", "getdents64", "lseek", "newfstatat", "open_tree", "openat", "poll", "ppoll",
	"prctl", "pread64", "readlinkat", "recvmsg", "sendmsg", "statfs", "statx",
}

// Gatekeeper leaves the gatekeeper what holding executables takes. It allows few system calls: it is
// small, does one thing, and its end lets all executions go on. It may not see other processes, change
// files, connect, or load programs.
func Gatekeeper() error {
	self := uint64(os.Getpid())
	return errors.Join(
		Keep(gatekeeping),
		// Files may be read: the kernel opens what others execute in the name of the gatekeeper, and takes
		// a refusal for a no to the execution.
		restrict(everything&^reading),
		allow(append(gatekeeperCalls, goRuntime...), []seccomp.NameWithConditions{
			when("bpf", is(0, unix.BPF_MAP_LOOKUP_ELEM)), when("tgkill", is(0, self)),
		}),
	)
}
