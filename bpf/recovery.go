package bpf

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Recovery copies the state of connections that was built before the capture, or in
// bytes that were lost: HPACK tables and windows. Executables.mu guards whether it is on.
type Recovery struct {
	exes     *Executables
	programs *programSet
	on, hits *ebpf.Variable
}

// PrepareRecovery loads what BeginRecovery takes, so that this is quicker.
func (r *Recovery) PrepareRecovery() error {
	if r.exes.opts.Empty {
		return nil
	}
	return r.programs.prepare(recoveryPrograms...)
}

// BeginRecovery attaches the probes that copy HPACK tables: in the executables
// at paths, as far as Attach was called for them, and until EndRecovery in all
// that Attach is called for. They cost the target 0.6 µs for each header field
// that it encodes, so they are not for long. Tables are copied only for
// connections whose Wish asks for them.
func (r *Recovery) BeginRecovery(paths []string) error {
	// Not under the lock: executables that are held wait for that.
	if err := r.PrepareRecovery(); err != nil {
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

// EndRecovery detaches what BeginRecovery attached.
func (r *Recovery) EndRecovery() error {
	r.exes.mu.Lock()
	var links []link.Link
	r.exes.recovering = false
	for _, exe := range r.exes.cache.byKey {
		links = append(links, exe.recovery.links...)
		exe.recovery.links = nil
	}
	err := r.set(0)
	r.exes.mu.Unlock()
	// The kernel waits for a grace period; others need not wait with it.
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

// RecoveryHits returns how often the probes of BeginRecovery were hit so far.
func (r *Recovery) RecoveryHits() (hits uint64, err error) {
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

// recoverIn attaches the probes in the executable at path, unless that is gone.
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
