package trace

import (
	"time"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/recover"
)

// recoveryProbes attaches the probes that tables and windows come from, and detaches
// them, as recover.Probes decides.
type recoveryProbes struct {
	recover.Probes
	attached stateProbes
	msg      *message.Printer
	paths    func() []string // of the executables that targets run
	working  chan struct{}   // closed when the last begin or end is done
}

func newRecoveryProbes(attached stateProbes, msg *message.Printer, paths func() []string) recoveryProbes {
	done := make(chan struct{})
	close(done)
	return recoveryProbes{attached: attached, msg: msg, paths: paths, working: done}
}

// prepare has what the probes take loaded, beside the reading of records, so that
// it is there when bytes are lost. An error comes again with begin.
func (p *recoveryProbes) prepare() {
	done := make(chan struct{})
	p.working = done
	go func() {
		defer close(done)
		_ = p.attached.Prepare()
	}()
}

// await attaches the probes with those of processes that run already, whose
// connections are not known yet.
func (p *recoveryProbes) await() error {
	p.Rest(time.Now())
	return p.attached.Begin(nil)
}

// begin attaches the probes for connections that want something, unless they are, or
// were a moment ago.
func (p *recoveryProbes) begin(wanting int) {
	if p.atWork() || !p.Begin(time.Now(), wanting) {
		return
	}
	paths := p.paths()
	p.work(func() error { return p.attached.Begin(paths) })
}

// atWork reports whether probes are being attached or detached.
func (p *recoveryProbes) atWork() bool {
	select {
	case <-p.working:
		return false
	default:
		return true
	}
}

// over reports whether the probes have done what they were attached for. Then end is to
// be called.
func (p *recoveryProbes) over(wanting int) (bool, error) {
	if !p.On() || p.atWork() {
		return false, nil
	}
	hits, err := p.attached.Hits()
	return err == nil && p.Over(hits, wanting), err
}

// end detaches the probes.
func (p *recoveryProbes) end() { p.work(p.attached.End) }

// work runs f beside the reading of records: it takes milliseconds.
func (p *recoveryProbes) work(f func() error) {
	done := make(chan struct{})
	p.working = done
	go func() {
		defer close(done)
		if err := f(); err != nil {
			p.msg.Errorf("%v", err)
		}
	}()
}

// wait returns when what was begun is done.
func (p *recoveryProbes) wait() { <-p.working }
