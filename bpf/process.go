package bpf

import (
	"bytes"
	"strings"
	"unsafe"
)

// Exec tells that a target runs a new program. Filename is as it was given to
// execve(2), cut at 255 bytes.
type Exec struct {
	Head
	PPID       int
	Comm       string
	Filename   string
	Generation Generation // of the new program
	Before     Generation // of the one that it takes the place of
	Image      Image
	// Args are the arguments, with the name of the program first. They are cut
	// after 512 bytes, and nil when they could not be read.
	Args []string
	// Environ holds NAME=VALUE pairs that each end with a NUL. It is nil when it
	// could not be read, or has more than 4096 bytes, and is valid until the next
	// Read.
	Environ []byte
}

// Image tells which file a process executed: for a script, its interpreter.
type Image struct {
	Inode uint64
	Size  int64
}

// Generation tells what a process runs from its fork or exec on from what other
// processes run, or ran, under the same id. It is 0 from AddTarget to the next
// exec.
type Generation uint32

// Exit tells that the last thread of a target has ended.
type Exit struct {
	Head
	Status     uint32
	Generation Generation // that ended
}

// Code returns the exit status as a shell shows it: 128+N for signal N.
func (e Exit) Code() int {
	if sig := e.Status & 0x7f; sig != 0 {
		return 128 + int(sig)
	}
	return int(e.Status >> 8 & 0xff)
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
		Args:       args(raw.Args[:min(int(raw.ArgsLen), len(raw.Args))]),
	}
	if n := int(raw.EnvLen); n != 0 && n <= len(raw.Env) {
		e.Environ = raw.Env[:n]
	}
	return nil
}

// args splits arguments, of which each ends with a NUL.
func args(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(bytes.TrimSuffix(b, []byte{0})), "\x00")
}
