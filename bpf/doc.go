// Package bpf captures the plaintext of Go's crypto/tls from outside.
//
// It loads the BPF programs and attaches them to the executables that package plan
// has analyzed. It reads back cleartext records: bytes of one direction of one
// connection with their position and kernel time, and the events of connections and
// processes. It knows where hpack keeps its tables, to copy them, and how long an HTTP/2
// frame is, to leave DATA payloads out where packets carry no TLS.
//
// Needs Linux 5.10 with BTF, amd64 or arm64, and the rights of CAP_BPF, CAP_PERFMON and
// CAP_SYS_PTRACE. Before Linux 5.17, on arm64 5.18, other programs do the same, see
// kernel/compat.h. On other systems there are only the types of events.
package bpf
