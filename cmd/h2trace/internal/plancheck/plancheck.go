// Package plancheck decides whether a probe captures what it should, and what is to
// be done when it does not. It is pure: the caller brings evidence, and carries the
// verdicts out.
//
// A probe is trusted once it has fired, in any process that runs the executable.
// Until then, when bytes go by that it should have reported, witnesses are attached
// where plaintext passes whatever the plan says. They cost nothing in a program that
// does not speak TLS. When they count calls and the probe does not fire, the probe
// is to be replaced.
package plancheck

import "h2trace/decoder/ktime"

// Calls is how many calls convict a probe. A goroutine can be taken off its thread
// between the probe and the witness, and passes the entry again when it goes on.
const Calls = 4

// Verdict is what is to be done about a probe.
type Verdict uint8

const (
	// Nothing is to be done now.
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
	suspected       // bytes went by that the probe should have reported
	watched         // witnesses are attached
	convicted       // they have counted enough calls
	acquitted       // the probe fired, and witnesses are attached
	settled         // nothing more is to be done
)

// Probe is what is known of a probe. The zero value is one that has not fired.
type Probe struct {
	state state
	at    ktime.Time // of the conviction
}

// Settle says that nothing more can be done: the fallback is in place, or neither
// that nor witnesses can be attached.
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

// Witnessed takes how many calls the witnesses saw by a kernel time, of all
// processes that run the executable.
func (p *Probe) Witnessed(calls uint64, now ktime.Time) {
	if p.state == watched && calls >= Calls {
		p.state, p.at = convicted, now
	}
}

// Again says that neither probe nor fallback is in place, because no process runs
// the executable now: the next one starts under suspicion.
func (p *Probe) Again() { *p = Probe{state: suspected} }

// Next returns what is to be done. readUntil is the kernel time up to which all
// records are read: a conviction waits for those of before it.
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
