//go:build linux

package trace

import (
	"slices"
	"time"

	"h2trace/bpf"
	"h2trace/bpf/plan"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/decoder"
	"h2trace/decoder/ktime"
	"h2trace/export"
)

const (
	// silence is the age at which a connection should show plaintext in one direction if
	// it does in the other.
	silence = 200 * time.Millisecond
	// maxUnused bounds the remembered executables that no process runs.
	maxUnused = 64
)

// movedBytes is how many bytes a socket moves after a handshake, by direction, only if
// crypto/tls took plaintext. Alerts, tickets and updates of keys are shorter. Received
// bytes may be of a record that is not whole yet, with 18 kB at most (RFC 5246 §6.2.3).
var movedBytes = [2]uint64{bpf.Send: 4 << 10, bpf.Recv: 32 << 10}

// unfired finds probes on Read and Write that never fire, as where a plan is wrong. Of a
// connection, one direction then shows plaintext, and the other shows none while its
// socket moves bytes.
type unfired struct {
	conns   *connTable
	running func() []process.Process // with probes
	advice  string                   // to the user
	msg     *message.Printer

	probes map[*bpf.Executable]*[2]probeState // by direction
	procs  map[int]process.Process            // by pid, as of the last look
}

// probeState is what is known of the probe of a direction.
type probeState struct {
	name      string // such as "CALL runtime.memmove"
	fired     bool   // or there is none
	suspected bool   // on some connection
	reported  bool
}

// suspect is a connection with a direction whose probe may never fire.
type suspect struct {
	*tracedConn
	exe *bpf.Executable
	dir int
}

func newUnfired(conns *connTable, running func() []process.Process, opts *Options, msg *message.Printer) *unfired {
	return &unfired{
		conns: conns, running: running, advice: advise(opts), msg: msg,
		probes: make(map[*bpf.Executable]*[2]probeState),
	}
}

// taps are those of the directions.
var taps = [2]plan.Tap{bpf.Send: plan.Write, bpf.Recv: plan.Read}

// probesOf returns the state of the probes of an executable that have not fired.
func probesOf(exe *bpf.Executable) *[2]probeState {
	states := &[2]probeState{{fired: true}, {fired: true}}
	if !exe.Calls {
		return states
	}
	for _, probe := range exe.Plan.Describe() {
		if dir := slices.Index(taps[:], probe.Tap); dir >= 0 {
			states[dir] = probeState{name: probe.Name}
		}
	}
	return states
}

// advise says what helps if probes do not fire.
func advise(opts *Options) string {
	switch {
	case opts.Plan == PlanEntryRet:
		return "try --source auto without --plan"
	case opts.Verify:
		return "try --source auto without --verify"
	case !opts.Sources.Wire:
		return "try --source auto"
	}
	return "try --plan " + string(PlanEntryRet)
}

// look notes which probes have fired. It reports whether to look at the sockets soon, for a
// new executable or the first doubt about a probe, and whether they may show that one does
// not.
func (u *unfired) look(now ktime.Time) (soon, unsure bool) {
	u.procs = make(map[int]process.Process)
	used := make(map[*bpf.Executable]bool)
	for _, proc := range u.running() {
		u.procs[proc.PID], used[proc.File] = proc, true
		if u.probes[proc.File] == nil {
			u.probes[proc.File], soon = probesOf(proc.File), true
		}
	}
	for exe := range u.probes {
		if !used[exe] && len(u.probes) > maxUnused {
			delete(u.probes, exe)
		}
	}
	for _, c := range u.conns.byID {
		exe := u.procs[c.meta.PID].File
		if c.wire != nil || exe == nil || c.end != nil && !closeReported(c.end) {
			continue // without a close, the process may run another program now
		}
		for dir := range c.next {
			if c.next[dir].offset > 0 {
				u.probes[exe][dir].fired = true
			}
		}
	}
	list := u.suspects(now)
	for _, s := range list {
		if s.oneWay.since == 0 {
			s.oneWay.since = now
		}
		if p := &u.probes[s.exe][s.dir]; !p.suspected {
			p.suspected, soon = true, true
		}
	}
	return soon, len(list) > 0
}

// suspects returns the connections that show plaintext in one direction only, where the
// probe of the other has not fired on any connection.
func (u *unfired) suspects(now ktime.Time) (list []suspect) {
	for _, c := range u.conns.byID {
		exe := u.procs[c.meta.PID].File
		if c.wire != nil || exe == nil || c.end != nil || c.oneWay.reported {
			continue
		}
		if now.Sub(c.since) < silence || !c.event.Remote.IsValid() {
			continue
		}
		for dir, p := range u.probes[exe] {
			if !p.fired && c.next[dir].offset == 0 && c.next[1-dir].offset > 0 {
				list = append(list, suspect{c, exe, dir})
			}
		}
	}
	slices.SortFunc(list, func(a, b suspect) int { return bySince(a.tracedConn, b.tracedConn) })
	return list
}

// judge takes a look at the sockets, once all earlier records are read. It reports the
// connections of which bytes are missing.
func (u *unfired) judge(l *look) error {
	list := u.suspects(l.at)
	if len(list) == 0 {
		return nil
	}
	sockets := make(map[socket]*bpf.Socket, len(l.list))
	for i := range l.list {
		s := &l.list[i]
		sockets[socket{s.PID, endpoints{s.Local, s.Remote}}] = s
	}
	list = slices.DeleteFunc(list, func(s suspect) bool { return !s.moves(sockets[s.socket()], l.begin) })
	if len(list) == 0 {
		return nil
	}
	states, err := u.conns.kernel.Conns()
	if err != nil {
		return err
	}
	for _, s := range list {
		if !u.counted(states, s.exe, s.dir) {
			u.report(s, l.at)
		}
	}
	return nil
}

// moves reports whether the socket of a connection moves bytes in the silent direction,
// as of a look that began at a kernel time. The first look says what it moved before.
// What the kernel encrypts and decrypts (kTLS) passes no probe.
func (s suspect) moves(on *bpf.Socket, at ktime.Time) bool {
	if on == nil || on.ULP || s.oneWay.since == 0 || at < s.oneWay.since {
		return false
	}
	n := on.Moved[s.dir]
	if s.dir == bpf.Recv {
		n -= min(n, uint64(on.Path.Unread))
	}
	if !s.oneWay.known {
		s.oneWay.known, s.oneWay.before = true, n
		return false
	}
	return n > s.oneWay.before+movedBytes[s.dir]
}

// counted reports whether the probe of a direction has fired after all: the kernel has
// counted bytes, even if all their records were lost.
func (u *unfired) counted(states []bpf.ConnState, exe *bpf.Executable, dir int) bool {
	p := &u.probes[exe][dir]
	p.fired = p.fired || slices.ContainsFunc(states, func(c bpf.ConnState) bool {
		return c.Offset[dir] > 0 && u.procs[c.PID].File == exe
	})
	return p.fired
}

// report reports that the plaintext of a direction of a connection is missing, and once
// that the probe there does not fire.
func (u *unfired) report(s suspect, at ktime.Time) {
	s.oneWay.reported = true
	at = max(at, s.latest)
	s.announce()
	u.conns.events.Loss(&export.Loss{Time: at, Reason: export.LossGap, Conn: s.meta.Conn})
	s.doubtOne(decoder.Direction(s.dir))
	s.goOn()
	p := &u.probes[s.exe][s.dir]
	if p.reported {
		return
	}
	p.reported = true
	what := [2]string{bpf.Send: "sent", bpf.Recv: "received"}[s.dir]
	u.msg.Infof("%s: the %s probe (%s) never fired while data was %s; what is %s is missing; %s",
		u.procs[s.meta.PID].Exe, taps[s.dir], p.name, what, what, u.advice)
}
