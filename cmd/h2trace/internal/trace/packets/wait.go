package packets

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"h2trace/bpf"
	"h2trace/decoder/ktime"
)

const (
	// patience is how long a packet waits for what stands before it.
	patience = 2 * time.Second
	// shortly is how often the Recorder looks at the buffer while a packet waits.
	shortly = 5 * time.Millisecond
)

// await waits until everything is known that stands before a packet, or with it.
func (r *Recorder) await(p *bpf.Captured, f *flow) error {
	until := p.Time.Add(patience)
	for !r.isReady(p, f) {
		if r.isEnding() || r.source.Crowded() {
			return nil
		}
		if r.opts.Now() >= until {
			if f.answered {
				r.setSilent(p.PID)
			}
			return nil
		}
		if err := r.w.Flush(); err != nil {
			return err
		}
		r.awaited.Store(true)
		select {
		case <-r.changed:
		case <-r.ending:
		case <-time.After(shortly):
		}
		r.awaited.Store(false)
	}
	if f.answered && r.silent[p.PID] && r.has(f.random) {
		delete(r.silent, p.PID)
	}
	return nil
}

// setSilent notes that the secrets of a process do not come.
func (r *Recorder) setSilent(pid int) {
	if len(r.silent) == maxKept {
		clear(r.silent)
	}
	r.silent[pid] = true
}

// isReady reports whether everything is known: of the first payload of a connection its name,
// which an event brings, of the ServerHello the secrets that open what follows.
func (r *Recorder) isReady(p *bpf.Captured, f *flow) bool {
	if f.begins && ktime.Time(r.until.Load()) < p.Time {
		return false
	}
	return !r.opts.Secrets || !f.answered || r.silent[p.PID] || r.has(f.random)
}

// yield has this goroutine yield to the reader of events, where both want one core. Its thread
// ends with it.
func yield() {
	const nicer = 5
	runtime.LockOSThread()
	before, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err == nil {
		nice := 20 - before // see getpriority(2)
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), min(nice+nicer, 19))
	}
}
