// Package kerneltypes reads the types that BPF programs name from the kernel's BTF, and
// nothing else. A kernel describes more than 100,000 types. To index them all takes
// 20 ms of CPU time, and to decode what a struct sock leads to takes as long again.
package kerneltypes

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Path is where the kernel describes its types.
const Path = "/sys/kernel/btf/vmlinux"

// Types are types of a kernel.
type Types struct {
	// Spec has the types that were asked for by name, and the types of their fields.
	// Pointers in it are to void: a CO-RE relocation ends at a pointer.
	Spec *btf.Spec
	// targets are the ids of what programs attach to.
	targets map[string]btf.TypeID
}

// Load reads types of the running kernel: those with the given names, and the ids of
// functions and of type definitions with the names in targets. The error is
// btf.ErrNotFound if the kernel describes no types.
func Load(names, targets []string) (*Types, error) {
	raw, free, err := read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", Path, btf.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	defer free()
	return Select(raw, names, targets)
}

// Target returns the id of a function or of a type definition, by name.
func (t *Types) Target(name string) (btf.TypeID, bool) {
	id, ok := t.targets[name]
	return id, ok
}

// Select is Load for raw BTF. The result does not refer to raw.
func Select(raw []byte, names, targets []string) (*Types, error) {
	s, err := newSelection(raw)
	if err != nil {
		return nil, fmt.Errorf("read the kernel's types: %w", err)
	}
	t := &Types{targets: make(map[string]btf.TypeID, len(targets))}
	if err := s.find(setOf(names), setOf(targets), t.targets); err != nil {
		return nil, fmt.Errorf("read the kernel's types: %w", err)
	}
	small, err := s.marshal()
	if err != nil {
		return nil, fmt.Errorf("read the kernel's types: %w", err)
	}
	if t.Spec, err = btf.LoadSpecFromReader(bytes.NewReader(small)); err != nil {
		return nil, fmt.Errorf("read the kernel's types: %w", err)
	}
	return t, nil
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// read maps the kernel's BTF. Before Linux 6.16 it cannot be mapped, and is copied.
func read() (raw []byte, free func(), err error) {
	f, err := os.Open(Path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	raw, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err == nil {
		return raw, func() { _ = unix.Munmap(raw) }, nil
	}
	raw, err = os.ReadFile(Path)
	return raw, func() {}, err
}
