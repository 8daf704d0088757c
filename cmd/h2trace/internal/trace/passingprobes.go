package trace

import (
	"sync/atomic"
	"time"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/recover"
)

// passingProbes attaches and detaches probes, as recover.Probes decides.
type passingProbes struct {
	recover.Probes
	attached probes
	msg      *message.Printer
	paths    func() []string // of the executables that targets run; for any goroutine
	working  chan struct{}   // closed when the last begin or end is done
	late     atomic.Bool     // attached by beginLate, and Probes does not know it
}

// noProbes is in the place of probes that are not wanted.
type noProbes struct{}

func (noProbes) Begin([]string) error  { return nil }
func (noProbes) End() error            { return nil }
func (noProbes) Hits() (uint64, error) { return 0, nil }

func newPassingProbes(attached probes, msg *message.Printer, paths func() []string) *passingProbes {
	done := make(chan struct{})
	close(done)
	return &passingProbes{attached: attached, msg: msg, paths: paths, working: done}
}

// await attaches the probes for processes that already run. Their connections are not
// known yet.
func (p *passingProbes) await() error {
	p.Rest(time.Now())
	return p.attached.Begin(nil)
}

// beginLate attaches the probes in the file at path, as a process ran it before its other
// probes were attached. It may be called by another goroutine than the rest.
func (p *passingProbes) beginLate(path string) error {
	defer p.late.Store(true)
	return p.attached.Begin([]string{path})
}

// begin attaches the probes if connections want something. It does nothing if they are
// attached, or were a moment ago.
func (p *passingProbes) begin(wanting int) {
	if p.atWork() {
		return
	}
	late := p.late.Swap(false)
	if late {
		p.Rest(time.Now())
	}
	if !late && !p.Begin(time.Now(), wanting) {
		return
	}
	p.work(func() error { return p.attached.Begin(p.paths()) })
}

// atWork reports whether probes are being attached or detached.
func (p *passingProbes) atWork() bool {
	select {
	case <-p.working:
		return false
	default:
		return true
	}
}

// over reports whether the probes have served their purpose. The caller then calls end.
func (p *passingProbes) over(wanting int) (bool, error) {
	if !p.On() || p.atWork() {
		return false, nil
	}
	hits, err := p.attached.Hits()
	return err == nil && p.Over(hits, wanting), err
}

// end detaches the probes.
func (p *passingProbes) end() { p.work(p.attached.End) }

// work runs f in the background, as it takes milliseconds.
func (p *passingProbes) work(f func() error) {
	done := make(chan struct{})
	p.working = done
	go func() {
		defer close(done)
		if err := f(); err != nil {
			p.msg.Errorf("%v", err)
		}
	}()
}

// wait waits for the last begin or end.
func (p *passingProbes) wait() { <-p.working }
