//go:build linux

package bpf

import (
	"context"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// Recovery copies connection state that was built before the capture, or in lost
// bytes: HPACK tables and windows. Executables.mu guards whether it is on.
type Recovery struct {
	exes     *Executables
	programs *programSet
	on, hits *ebpf.Variable
}

// Prepare loads the programs of Begin, which is faster then.
func (r *Recovery) Prepare() error {
	if r.exes.opts.Empty {
		return nil
	}
	return r.programs.prepareNamed(context.Background(), recoveryPrograms...)
}

// Begin attaches the probes that copy HPACK tables: in the executables at
// paths for which Attach was called, and until End in every executable of a
// later Attach. They cost the target 0.6 µs for each header field that it encodes, so
// they do not stay for long. They copy tables only for connections whose Wish asks
// for them.
func (r *Recovery) Begin(paths []string) error {
	// Not under the lock: executables held at exec wait for it.
	if err := r.Prepare(); err != nil {
		return err
	}
	return errors.Join(r.exes.begin(recovers, paths), r.set(1))
}

// End detaches the probes of Begin.
func (r *Recovery) End() error { return errors.Join(r.set(0), r.exes.end(recovers)) }

func (r *Recovery) set(on uint32) error {
	if err := r.on.Set(on); err != nil {
		return fmt.Errorf("switch the recovery of header tables: %w", err)
	}
	return nil
}

// Hits returns how often the probes of Begin were hit.
func (r *Recovery) Hits() (hits uint64, err error) {
	if err := r.hits.Get(&hits); err != nil {
		return 0, fmt.Errorf("read what recovery costs: %w", err)
	}
	return hits, nil
}
