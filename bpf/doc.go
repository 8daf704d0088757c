// Package bpf captures the plaintext of Go's crypto/tls from outside.
//
// It loads the BPF programs, attaches them to the executables that package
// plan was asked about, and reads back plain records: bytes of one direction
// of one connection with their position and kernel time, and what became of
// connections and processes. It knows no HTTP.
//
// Needs Linux 5.10 with BTF, amd64, and the rights that CAP_BPF, CAP_PERFMON
// and CAP_SYS_PTRACE give. Before Linux 5.17 other programs do the same, see
// compat.h.
package bpf
