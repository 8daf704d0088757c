package bpf

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
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
	r.exes.mu.Lock()
	defer r.exes.mu.Unlock()
	if r.exes.stopped || r.exes.opts.Empty {
		return nil
	}
	r.exes.recovering = true
	var err error
	for _, path := range paths {
		err = errors.Join(err, r.recoverIn(path))
	}
	return errors.Join(err, r.set(1))
}

// End detaches the probes of Begin.
func (r *Recovery) End() error {
	r.exes.mu.Lock()
	var links []link.Link
	r.exes.recovering = false
	for _, exe := range r.exes.cache.byKey {
		links = append(links, exe.recovery.links...)
		exe.recovery.links = nil
	}
	err := r.set(0)
	r.exes.mu.Unlock()
	// The kernel waits for a grace period; others need not wait for it.
	err = errors.Join(err, closeLinks(links))
	r.exes.mu.Lock()
	defer r.exes.mu.Unlock()
	for _, exe := range r.exes.cache.byKey {
		if !exe.probed() {
			err = errors.Join(err, exe.unsecure())
		}
	}
	return err
}

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

// recoveryProbes are those in one executable.
type recoveryProbes struct {
	planned bool
	groups  []*probeGroup
	links   []link.Link
}

// recoverIn attaches the probes in the executable at path, unless it is gone.
func (r *Recovery) recoverIn(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil //nolint:nilerr // its process is gone, and its connections with it
	}
	defer f.Close()
	key, _, err := keyOf(f)
	if err != nil {
		return err
	}
	exe := r.exes.cache.byKey[key]
	if exe == nil || !exe.recovers() {
		return nil
	}
	return r.exes.attachRecovery(exe, f)
}
