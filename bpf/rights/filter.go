//go:build linux

package rights

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A refused system call returns EPERM, whose error says what was tried; clone3 is the exception. Nothing
// kills the process.

// present returns the system calls that the architecture has.
func present(names []string) ([]string, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("seccomp: %w", err)
	}
	var list []string
	for _, name := range names {
		if _, ok := info.SyscallNames[name]; ok {
			list = append(list, name)
		}
	}
	return list, nil
}

// deny refuses some system calls from now on, to all threads, and those of other ABIs. It also sets
// no_new_privs.
func deny(names []string, conditions []seccomp.NameWithConditions) error {
	list, err := present(names)
	if err != nil {
		return err
	}
	conditions = append(conditions, cloneWith(seccomp.BitsSet))
	if err := load(seccomp.FilterFlagTSync, seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{clone3, {Names: list, NamesWithCondtions: conditions, Action: seccomp.ActionErrno}},
	}); err != nil {
		return err
	}
	return denyForeign()
}

// allow refuses all but some system calls from now on, to all threads. It also sets no_new_privs.
func allow(names []string, conditions []seccomp.NameWithConditions) error {
	list, err := present(names)
	if err != nil {
		return err
	}
	conditions = append(conditions, cloneWith(seccomp.BitsNotSet))
	return load(seccomp.FilterFlagTSync, seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls:      []seccomp.SyscallGroup{clone3, {Names: list, NamesWithCondtions: conditions, Action: seccomp.ActionAllow}},
	})
}

// newNamespaces are the flags of clone(2) for namespaces, in which a process would have all rights. That
// for time is one of clone3(2) alone.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// cloneWith is clone(2), which makes threads, with or without new namespaces.
func cloneWith(operation seccomp.Operation) seccomp.NameWithConditions {
	return when("clone", seccomp.Condition{Argument: 0, Operation: operation, Value: newNamespaces})
}

// clone3 seems missing: a filter cannot read its flags, which are in memory, and a C library then
// uses clone(2).
var clone3 = seccomp.SyscallGroup{Names: []string{"clone3"}, Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)}

// load loads a filter for all threads or, without flags, for the calling one.
func load(flags seccomp.FilterFlag, policy seccomp.Policy) error {
	runtime.LockOSThread() // no_new_privs is that of a thread; with FilterFlagTSync the filter takes it to all
	defer runtime.UnlockOSThread()
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: flags, Policy: policy})
}

// denyForeign refuses the system calls of other ABIs, such as int 0x80 on amd64, which have other
// numbers: a policy of the library that allows by default allows them all.
func denyForeign() error {
	info, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	const archOffset = 4 // of struct seccomp_data
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(info.ID), SkipFalse: 1},
		bpf.RetConstant{Val: uint32(seccomp.ActionAllow)},
		bpf.RetConstant{Val: uint32(seccomp.ActionErrno) | uint32(unix.EPERM)},
	})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(program))
	for i, in := range program {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(seccomp.FilterFlagTSync), uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	if thread != 0 {
		return fmt.Errorf("seccomp: thread %d has another filter", thread)
	}
	return nil
}

// is and isNot are conditions on an argument.
func is(argument uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.Equal, Value: value}
}

func isNot(argument uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.NotEqual, Value: value}
}

// when is a system call with arguments that meet all conditions.
func when(name string, conditions ...seccomp.Condition) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: name, Conditions: conditions}
}
