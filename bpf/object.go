//go:build linux

package bpf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"

	"github.com/cilium/ebpf"
)

// lineInfoLength is the offset of the field line_info_len in the header of .BTF.ext
// (struct btf_ext_header of libbpf).
const lineInfoLength = 20

// lineInfoSize is the size of what precedes the first line.
const lineInfoSize = 4

// readObject reads compiled programs without the source lines of their instructions.
// These take a third of the time, and only the verifier prints them, see
// programLoader.explain.
func readObject(object []byte) (*ebpf.CollectionSpec, error) {
	object = bytes.Clone(object)
	file, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	lines := file.Section(".BTF.ext")
	if lines == nil || lines.Size < lineInfoLength+4 {
		return nil, errors.New("no .BTF.ext section")
	}
	binary.NativeEndian.PutUint32(object[lines.Offset+lineInfoLength:], lineInfoSize)
	return ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
}
