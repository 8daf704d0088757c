//go:build linux

package rights

import (
	"errors"
	"os"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Following returns the capabilities that following new processes takes: to load and attach programs,
// and to read the files and the memory of others. cmd/h2trace/README.md has the table.
func Following() []cap.Value {
	list := []cap.Value{cap.BPF, cap.PERFMON, cap.SYS_PTRACE, cap.DAC_READ_SEARCH, cap.LEASE}
	if followingTakesAdmin() {
		list = append(list, cap.SYS_ADMIN)
	}
	return list
}

// Starting returns those that only the start takes, and the gatekeeper.
func Starting() []cap.Value {
	list := []cap.Value{cap.NET_ADMIN, cap.SYS_NICE}
	if !followingTakesAdmin() {
		list = append(list, cap.SYS_ADMIN)
	}
	return list
}

// harmful are system calls that h2trace has no use for once it observes, and that would change other
// processes, the system, or its own rights. A list of what is refused outlives a new release of Go or
// of a C library, which may use other calls; a list of what is allowed would end runs there.
var harmful = []string{
	// Programs and namespaces.
	"execve", "execveat", "fork", "vfork", "setns", "unshare", "chroot", "pivot_root", "personality",
	// Other processes.
	"ptrace", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "move_pages", "migrate_pages",
	"tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sched_setattr", "sched_setscheduler", "sched_setparam", "ioprio_set",
	// Users. A capability is gone, but root without it still owns files and processes.
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups",
	// File systems.
	"mount", "umount", "umount2", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"swapon", "swapoff", "quotactl", "quotactl_fd", "mknod", "mknodat", "open_by_handle_at", "fanotify_init", "nfsservctl",
	// The kernel.
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "acct", "syslog",
	"iopl", "ioperm", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "vhangup",
	// Ways around a filter, or into the kernel.
	"add_key", "request_key", "keyctl", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "modify_ldt", "vmsplice",
}

// signalling are the calls that signal and limit processes, but this one, its group, and COMMAND.
func signalling(command int) []seccomp.NameWithConditions {
	self := uint64(os.Getpid())
	kill := []seccomp.Condition{isNot(0, 0), isNot(0, self)}
	list := []seccomp.NameWithConditions{when("tgkill", isNot(0, self)), when("prlimit64", isNot(0, 0), isNot(0, self))}
	if command == 0 {
		// A descriptor says not whose process it is.
		return append(list, when("kill", kill...), when("pidfd_send_signal", isNot(0, ^uint64(0))))
	}
	return append(list, when("kill", append(kill, isNot(0, uint64(command)))...))
}

// Reduce leaves this process the capabilities to keep of those that it has, and refuses harmful
// system calls. command is the process that it may signal, or 0.
func Reduce(keep []cap.Value, command int) error {
	err := Keep(keep)
	// No memory becomes executable that was writable, since Linux 6.3.
	_ = unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)
	return errors.Join(err, deny(harmful, signalling(command)))
}
