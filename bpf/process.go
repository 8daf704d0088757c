//go:build linux

package bpf

import (
	"bytes"
	"path"
	"strings"
	"time"
	"unsafe"
)

// Exec says that a target runs a new program. Filename is the argument of execve(2),
// cut at 255 bytes.
type Exec struct {
	Head
	PPID       int
	Comm       string
	Filename   string
	Generation Generation // of the new program
	Before     Generation // of the program that it replaces
	Image      Image
	// Cgroup is the id of its cgroup: the inode of the directory in cgroup v2.
	Cgroup uint64
	// Args are the arguments, with the name of the program first. They are cut after
	// 512 bytes, and nil if they were unreadable.
	Args []string
	// Environ holds NAME=VALUE pairs, each followed by a NUL. It is nil if it was
	// unreadable, or has more than 4096 bytes. It is valid until the next Read.
	Environ []byte
}

// Image identifies the file that a process executed: for a script, its interpreter.
type Image struct {
	Inode uint64
	Size  int64
}

// Exit says that the last thread of a target has ended.
type Exit struct {
	Head
	Status     uint32
	Generation Generation // the one that ended
	// CPU is the CPU time of all its threads since the fork, without the last slice of
	// each.
	CPU time.Duration
}

// Code returns the exit status as a shell shows it: 128+N for signal N.
func (e Exit) Code() int {
	if sig := e.Status & 0x7f; sig != 0 {
		return 128 + int(sig)
	}
	return int(e.Status >> 8 & 0xff)
}

func (e *Exit) parse(head Head, sample []byte) error {
	raw, err := view[probesExitRecord](sample, int(unsafe.Sizeof(probesExitRecord{})))
	if err != nil {
		return err
	}
	*e = Exit{
		Head: head, Status: raw.ExitCode, Generation: Generation(raw.Generation), CPU: time.Duration(raw.CpuNs),
	}
	return nil
}

// Lock says that a thread of a target waits for a lock of flock(2), or no longer does.
type Lock struct {
	Head
	Thread     int
	Generation Generation
	Inode      uint64
	Waits      bool
	// Path has the last names of the path, "…/pkg/mod/cache/lock"; it is set if the
	// thread waits from now on.
	Path string
}

func (l *Lock) parse(head Head, sample []byte) error {
	raw, err := view[probesLockRecord](sample, int(unsafe.Sizeof(probesLockRecord{})))
	if err != nil {
		return err
	}
	*l = Lock{Head: head, Thread: int(raw.Tid), Generation: Generation(raw.Generation), Inode: raw.Inode, Waits: raw.Waits != 0}
	for i := range raw.Names {
		switch name := text(raw.Names[i][:]); name {
		case "": // the names are not known
			return nil
		case "/":
			l.Path = "/" + l.Path
			return nil
		default:
			l.Path = path.Join(name, l.Path)
		}
	}
	l.Path = "…/" + l.Path
	return nil
}

func (e *Exec) parse(head Head, sample []byte) error {
	raw, err := view[probesExecRecord](sample, int(unsafe.Sizeof(probesExecRecord{})))
	if err != nil {
		return err
	}
	*e = Exec{
		Head:       head,
		PPID:       int(raw.Ppid),
		Comm:       text(raw.Comm[:]),
		Filename:   text(raw.Filename[:]),
		Generation: Generation(raw.Generation),
		Before:     Generation(raw.Before),
		Image:      Image{Inode: raw.Inode, Size: int64(raw.Size)},
		Cgroup:     raw.Cgroup,
		Args:       args(raw.Args[:min(int(raw.ArgsLen), len(raw.Args))]),
	}
	if n := int(raw.EnvLen); n != 0 && n <= len(raw.Env) {
		e.Environ = raw.Env[:n]
	}
	return nil
}

// args splits arguments, each followed by a NUL.
func args(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(bytes.TrimSuffix(b, []byte{0})), "\x00")
}
