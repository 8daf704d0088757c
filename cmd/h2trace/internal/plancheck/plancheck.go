// Package plancheck decides whether a probe captures what it should, and what to do
// when it does not. It is pure: the caller brings evidence, and carries out the
// verdicts.
//
// A probe is trusted once it has fired, in any process that runs the executable.
// Before that, bytes that it should have reported make it suspect. Then witnesses are
// attached, where plaintext passes whatever the plan is. They cost nothing in a
// program that does not speak TLS. When they count calls and the probe does not fire,
// the verdict is to replace it.
package plancheck

import "h2trace/decoder/ktime"

// Calls is how many calls convict a probe. The scheduler can preempt a goroutine
// between the probe and the witness, and the goroutine then passes the entry again.
const Calls = 4

// Verdict is what to do about a probe.
type Verdict uint8

const (
	// Nothing asks for no action now.
	Nothing Verdict = iota
	// Watch asks for witnesses. Watched or Settle follows, or neither, for the
	// same verdict again.
	Watch
	// Count asks how many calls the witnesses saw, for Witnessed.
	Count
	// Replace asks for a fallback. Fired, Settle or Again follows.
	Replace
	// Unwatch asks to detach the witnesses.
	Unwatch
)

type state uint8

const (
	unproven  state = iota
	suspected       // bytes moved that the probe should have reported
	watched         // witnesses are attached
	convicted       // they have counted enough calls
	acquitted       // the probe fired, and witnesses are attached
	settled         // final
)

// Probe is the state of a probe. The zero value has not fired.
type Probe struct {
	state state
	at    ktime.Time // of the conviction
}

// Settle says that nothing more can be done: the fallback is in place, or neither the
// fallback nor witnesses can be attached.
func (p *Probe) Settle() { p.state = settled }

// Fired takes the proof that a probe works.
func (p *Probe) Fired() {
	switch p.state {
	case unproven, suspected:
		p.state = settled
	case watched, convicted:
		p.state = acquitted
	}
}

// suspect takes evidence against a probe.
func (p *Probe) suspect() {
	if p.state == unproven {
		p.state = suspected
	}
}

// Watched says that witnesses are attached.
func (p *Probe) Watched() {
	if p.state == settled { // it fired meanwhile
		p.state = acquitted
		return
	}
	p.state = watched
}

// Witnessed takes the number of calls that the witnesses saw by a kernel time, in all
// processes that run the executable.
func (p *Probe) Witnessed(calls uint64, now ktime.Time) {
	if p.state == watched && calls >= Calls {
		p.state, p.at = convicted, now
	}
}

// Again says that neither probe nor fallback is in place, because no process runs the
// executable now: the next one starts under suspicion.
func (p *Probe) Again() { *p = Probe{state: suspected} }

// Next returns what to do. readUntil is the kernel time up to which all records are
// read: a conviction waits for the earlier records.
func (p *Probe) Next(readUntil ktime.Time) Verdict {
	switch p.state {
	case suspected:
		return Watch
	case watched:
		return Count
	case convicted:
		if readUntil > p.at {
			return Replace
		}
	case acquitted:
		p.state = settled
		return Unwatch
	}
	return Nothing
}
