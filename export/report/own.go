package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"h2trace/export/scan"
)

// lockEvent is a thread that waited for a lock.
type lockEvent struct {
	head
	path   []byte
	waited time.Duration
	locked bool
}

func (e *lockEvent) member(key, v []byte) {
	switch string(key) {
	case "path":
		e.path = v
	case "wait_ms":
		e.waited, _ = scan.Millis(v)
	case "locked":
		e.locked = string(v) == "true"
	}
}

// own is what the time of the processes themselves was made of. Nothing is known of its
// course but the waits for locks, and these may be those of one thread of many. So there are
// bounds, and no shares.
type own struct {
	cpu      time.Duration // of the processes that have exited
	measured bool          // cpu is known
	partial  bool          // but not of all processes
	locked   time.Duration // time of the processes themselves in which one waited for a lock
	locks    byName[lockWaits]
	gaps     []interval // the time of the processes themselves
}

// lockWaits counts the waits for one lock.
type lockWaits struct {
	count   int64
	waited  time.Duration
	missing int64 // those that did not end
}

// maxLocks bounds the locks.
const maxLocks = 1 << 10

// exit takes the end of a process.
func (o *own) exit(e *exitEvent) {
	if !e.cpuKnown {
		o.partial = true
		return
	}
	o.cpu += e.cpu
	o.measured = true
}

// known reports whether the CPU time is that of all processes: less of it is no upper bound.
func (o *own) known() bool { return o.measured && !o.partial }

// lock takes a wait for a lock.
func (o *own) lock(e *lockEvent) {
	if o.locks.values == nil {
		o.locks = newByName[lockWaits](maxLocks)
	}
	if l := o.locks.get(scan.Text(e.path)); l != nil {
		l.count++
		l.waited += e.waited
		if !e.locked {
			l.missing++
		}
	}
}

// Own has bounds on what the time of the processes themselves was made of: at most Lock was
// waiting for locks, at most CPU was computing, and at least Unknown was neither.
type Own struct {
	Lock    Millis `json:"lock_ms"`
	CPU     Millis `json:"cpu_ms"`
	Unknown Millis `json:"unknown_ms"`
}

// report returns the bounds for a time, or nil if the CPU time is not known.
func (o *own) report(of time.Duration) *Own {
	if !o.known() {
		return nil
	}
	lock, cpu := min(o.locked, of), min(o.cpu, of)
	return &Own{ms(lock), ms(cpu), ms(max(0, of-lock-cpu))}
}

// evidence says what a time was made of.
func (o *own) evidence(of time.Duration) []string {
	if !o.known() || of == 0 {
		return nil
	}
	lock, cpu := min(o.locked, of), min(o.cpu, of)
	line := fmt.Sprintf("of the %s of the processes themselves, at most %s were CPU (all processes used %s)", human(of), human(cpu), human(o.cpu))
	if lock > 0 {
		line += fmt.Sprintf(", at most %s were waiting for locks", human(lock))
	}
	if unknown := of - lock - cpu; unknown > 0 {
		line += fmt.Sprintf(", and at least %s were neither", human(unknown))
	}
	return []string{line}
}

// lockEvidence names the lock that was waited for longest, if that was long.
func (o *own) lockEvidence() []string {
	name, most := o.longest()
	if most == nil || most.waited < largeTime {
		return nil
	}
	line := fmt.Sprintf("%s for the lock %s took %s", several(most.count, "wait", "waits"), name, human(most.waited))
	if most.missing > 0 {
		line += fmt.Sprintf(", and %d of them ended without it", most.missing)
	}
	return []string{line + ": another process, or thread, had it"}
}

func (o *own) longest() (name string, most *lockWaits) {
	for path, l := range o.locks.values {
		if most == nil || l.waited > most.waited || l.waited == most.waited && path < name {
			name, most = path, l
		}
	}
	if name == "" {
		name = "of an unknown file"
	}
	return name, most
}

// interval is a period.
type interval struct{ begin, end wallTime }

// merged returns intervals in order, and those that overlap as one.
func merged(list []interval) []interval {
	slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.begin, b.begin) })
	out := list[:0]
	for _, i := range list {
		if n := len(out); n > 0 && i.begin <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, i.end)
			continue
		}
		out = append(out, i)
	}
	return out
}

// overlap returns how much of a period merged intervals cover.
func overlap(list []interval, begin, end wallTime) (sum time.Duration) {
	first, _ := slices.BinarySearchFunc(list, begin, func(i interval, at wallTime) int { return cmp.Compare(i.end, at) })
	for _, i := range list[first:] {
		if i.begin >= end {
			break
		}
		sum += max(0, min(i.end, end).sub(max(i.begin, begin)))
	}
	return sum
}
