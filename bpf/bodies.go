package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// LeaveOut tells the kernel that the bytes of a connection with TLS which end
// before these offsets, by direction, need not be copied; it is for connections
// that do not speak HTTP/2. Where there is no room for that, all is copied.
// ForgetBody frees what it enters.
func (c *Collector) LeaveOut(conn uint64, until [2]uint64) error {
	err := c.probes.Bodies.Put(conn, probesBody{Until: until})
	if err != nil && !errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("leave out a body: %w", err)
	}
	return nil
}

// ForgetBody frees what LeaveOut entered.
func (c *Collector) ForgetBody(conn uint64) error {
	err := c.probes.Bodies.Delete(conn)
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("free a connection's entry: %w", err)
	}
	return nil
}
