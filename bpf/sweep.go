package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// Sweep frees what processes left behind that ended inside of a call: with
// probes on entry and RET, each call is remembered until it returns.
func (c *Collector) Sweep() error {
	var key probesCallKey
	var call probesCall
	var over []probesCallKey
	it := c.probes.Calls.Iterate()
	for it.Next(&key, &call) {
		life, ok := c.LifeOf(int(key.Tgid))
		if !ok || uint32(life) != key.Life {
			over = append(over, key)
		}
	}
	err := it.Err()
	if errors.Is(err, ebpf.ErrIterationAborted) {
		err = nil // calls came and went meanwhile; there is a next time
	}
	for _, key := range over {
		deleteErr := c.probes.Calls.Delete(key)
		if !errors.Is(deleteErr, ebpf.ErrKeyNotExist) {
			err = errors.Join(err, deleteErr)
		}
	}
	if err != nil {
		return fmt.Errorf("free the calls of processes that ended: %w", err)
	}
	return nil
}
