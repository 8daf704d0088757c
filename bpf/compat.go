//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// optionalFeatures are features of newer kernels that the programs use. Where one is
// missing, the programs compiled with COMPAT take over, see kernel/compat.h. The helpers came to
// tracepoints together with uprobes; for uprobes, the library asks for the release of the kernel.
var optionalFeatures = []struct {
	name, since, instead string
	have                 func() error
}{
	{"atomic operations", fetchAddSince[runtime.GOARCH], "counts of one user each", haveFetchAdd},
	{"bpf_get_attach_cookie", "5.15", "a copy of a program for each kind of place", func() error {
		return features.HaveProgramHelper(ebpf.TracePoint, asm.FnGetAttachCookie)
	}},
	{"bpf_loop", "5.17", "bounded loops", func() error {
		return features.HaveProgramHelper(ebpf.TracePoint, asm.FnLoop)
	}},
}

// fetchAddSince is the release from which an architecture compiles atomic operations.
var fetchAddSince = map[string]string{"amd64": "5.12", "arm64": "5.18"}

// haveFetchAdd tries an atomic operation that returns the old value.
func haveFetchAdd() error {
	fetchAdd := asm.FetchAdd.Mem(asm.RFP, asm.R0, asm.DWord, -8)
	fetchAdd.Constant = 1 // BPF_FETCH, which cilium/ebpf 0.22 does not define
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter,
		Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R0, 0),
			asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
			fetchAdd,
			asm.Return(),
		},
		License: "MIT",
	})
	switch {
	case errors.Is(err, unix.EINVAL): // 5.10's verifier: BPF_STX uses reserved fields
		return ebpf.ErrNotSupported
	case err != nil:
		return err
	}
	return prog.Close()
}

// needsCompat reports whether the kernel is known to lack one of optionalFeatures.
func needsCompat() bool {
	for _, f := range optionalFeatures {
		if errors.Is(f.have(), ebpf.ErrNotSupported) {
			return true
		}
	}
	return false
}

// checkOptional reports for each feature whether it is there, or what replaces it.
func checkOptional() []Feature {
	var list []Feature
	for _, n := range optionalFeatures {
		f := probe(n.name, n.have(), "")
		if errors.Is(f.Err, ebpf.ErrNotSupported) {
			f = Feature{Name: n.name, Detail: fmt.Sprintf("not before Linux %s; %s instead", n.since, n.instead)}
		}
		list = append(list, f)
	}
	return list
}
