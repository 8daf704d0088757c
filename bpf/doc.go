// Package bpf captures the plaintext of Go's crypto/tls from outside.
//
// It loads the BPF programs, attaches them to the executables that package
// plan was asked about, and reads back cleartext records: bytes of one direction
// of one connection with their position and kernel time, and what became of
// connections and processes. Of HTTP/2 it knows how long a frame is, to leave DATA
// payloads out, and where hpack keeps its tables, to copy them.
//
// Needs Linux 5.10 with BTF, amd64, and the rights that CAP_BPF, CAP_PERFMON
// and CAP_SYS_PTRACE give. Before Linux 5.17 other programs do the same, see
// kernel/compat.h.
package bpf
