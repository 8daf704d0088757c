//go:build !linux

package bpf

// What records hold of the kernel and of the memory of processes, which no other system has.
type (
	probesConnKey struct{}
	connLayout    interface{ role() Role }
)
