package report

import (
	"encoding/json"
	"strings"
	"time"

	"h2trace/decoder/goproxy"
)

// logs sums up logs of "go -x".
type logs struct {
	count    int // of runs without events
	recorded int // of runs with events
	lines    int64
	other    int64
	requests int64 // counted
	twice    int64 // not counted: events have them
	unended  int64
	example  string // of an unended one
	wait     time.Duration
	vcs      time.Duration
	clocked  int           // of count
	wall     time.Duration // of these
	suspects suspects      // of that time
	buckets  buckets
	longest  time.Duration
	slowest  string // URL
}

// settling is a log that is being added to the sums.
type settling struct {
	run      *run
	recorded bool // its run is
}

// settle adds requests of a log to the sums, and forgets them.
func (b *Builder) settle(l *xlog) {
	s := b.sums
	if l.settling == nil {
		l.settling = &settling{newRun(s), b.recorded.has(l)}
		if s.logs.suspects == nil {
			s.logs.suspects = make(suspects)
		}
	}
	for i := range l.requests {
		one := &l.requests[i]
		if l.settling.recorded && b.recorded.take(one) {
			s.logs.twice++
			continue
		}
		l.settling.run.logged(l, one)
		if b.timeline != nil {
			b.timeline.logged(l, one)
		}
	}
	l.requests = l.requests[:0]
}

// settleAll ends all logs.
func (b *Builder) settleAll() {
	for _, l := range b.logs {
		b.settle(l)
		b.sums.logs.end(l, &b.recorded)
		if b.timeline != nil {
			b.timeline.endedLog(l)
		}
	}
	b.logs, b.waiting = nil, 0
}

// logged takes a request of a log.
func (r *run) logged(l *xlog, one *logged) {
	s := r.sums
	s.logs.requests++
	s.traffic.asked++
	s.traffic.spent += one.took
	if !l.settling.recorded {
		s.logs.wait += one.advance
	}
	if one.took > s.logs.longest {
		s.logs.longest, s.logs.slowest = one.took, one.url
	}
	s.measures.logged(one, s.logs.buckets.of(one.took))
	a := one.wanted
	if a.sums == nil {
		a.sums = s.tables.sumsOf(a)
	}
	if one.class == "" && len(s.chain.failed) == 0 {
		a.sums.add(&s.logs.buckets, one, nil)
		if !a.found && a.module && one.status/100 == 2 {
			of := familyPath{pid: l.pid, path: a.Path}
			if a.Kind == goproxy.Info {
				of.version = a.Version
			}
			r.said.family.finds(of)
		}
		a.found = true
		return
	}
	x := a.exchange(l.pid)
	x.status, x.class, x.detail = one.status, nil, nil
	if one.class != "" {
		x.class, x.detail = jsonString(one.class), jsonString(one.detail)
	}
	x.phases[phaseWait], x.phases[phaseTotal] = one.took, one.took
	a.sums.add(&s.logs.buckets, one, x)
	if r.said.exchange(x) {
		s.ledger.errors.add(x)
	}
	if a.module {
		s.chain.add(a.name, x)
	}
	if one.class != "" && !x.notFound() && one.advance > 0 {
		if of := s.logs.suspects.get(badAnswer, a.name, "GET "+a.url, one.detail); of != nil {
			of.cost[partWait] += one.advance
		}
	}
}

// jsonString returns a JSON string.
func jsonString(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return b
}

// end ends a log.
func (l *logs) end(x *xlog, events *recorded) {
	run := x.settling.run
	all := run.sums
	l.lines += x.lines
	l.other += x.other
	twice := x.settling.recorded && events.process
	for _, one := range x.ran {
		if twice {
			break
		}
		if !x.settling.recorded {
			l.vcs += one.advance
		}
		all.direct.logged(&one)
		if tool, _, _ := strings.Cut(one.what, " "); one.advance > 0 {
			if of := l.suspects.get(controlOf(strings.Fields(one.what)), tool, one.what, ""); of != nil {
				of.cost[partVCS] += one.advance
			}
		}
	}
	if !twice {
		for i := range x.voice.said {
			run.heard(x, &x.voice.said[i])
		}
	}
	for _, a := range x.unended {
		for range a.begun {
			if x.settling.recorded && events.take(&logged{wanted: a}) {
				l.twice++
				continue
			}
			l.unend(a.url, 1)
			run.unanswering(a)
		}
	}
	if x.lost > 0 {
		l.unend("", x.lost)
	}
	run.endLogged(x)
	if x.settling.recorded {
		l.recorded++
		return
	}
	l.count++
	if x.clock.lines == x.marks {
		l.clocked++
		l.wall += x.clock.now
	}
	all.ends.add(&run.life)
}

func (l *logs) unend(url string, n int64) {
	l.unended += n
	if l.example == "" {
		l.example = url
	}
}

// unanswering takes a request without an end.
func (r *run) unanswering(a *wanted) {
	r.sums.logs.requests++
	r.sums.traffic.asked++
	if a.sums == nil {
		a.sums = r.sums.tables.sumsOf(a)
	}
	a.sums.add(&r.sums.logs.buckets, &logged{wanted: a}, nil)
}

// heard takes a complaint of a log.
func (r *run) heard(l *xlog, c *saying) {
	e := &complaintEvent{failureKeys: failureKeys{class: jsonString(c.Class), detail: jsonString(c.Detail)}}
	e.pid = l.pid
	if c.Path != "" {
		e.path, e.version = jsonString(c.Path), jsonString(c.Version)
	}
	if c.AtProxy {
		e.via = jsonString(unnamedRelay)
	}
	type request struct {
		URL   string `json:"url"`
		Proxy string `json:"proxy,omitempty"`
	}
	var of []request
	for i := range c.of {
		one := &c.of[i]
		if one.Request == (goproxy.Request{}) || one.Kind.OfSumDB() {
			of = append(of, request{URL: one.URL})
		} else {
			of = append(of, request{one.URL, one.Proxy})
		}
	}
	if b, err := json.Marshal(of); err == nil && of != nil {
		e.requests = b
	}
	r.complaint(e)
	if c.Command != "" {
		what := c.Command[:min(len(c.Command), maxCommand)]
		if d := r.sums.direct.commands.values[what]; d != nil {
			d.failed++
		}
	}
}

// unnamedRelay stands for an HTTP proxy: a log does not say which.
const unnamedRelay = "that HTTPS_PROXY names"

// endLogged ends the run of a log. Its requests count by themselves, also those that did not
// reach their server.
func (r *run) endLogged(l *xlog) {
	s := r.sums
	counted := make(map[string]bool)
	for i := range r.dials.complaints {
		c := &r.dials.complaints[i]
		if s.tables.proxies.values[proxyOf(c.of.url)] != nil {
			counted[proxyOf(c.of.url)] = true
		}
		c.end(&s.tables, &r.dials, counted)
	}
	s.chain.direct(l.pid, l.repos, &r.said.family, &s.told)
	s.chain.end(nil, &r.said.family, &s.told)
	r.said.end(s)
}

// direct counts what a proxy did not have and the go command then looked for in a
// repository.
func (f *fallbacks) direct(pid int64, repos []string, asked *family, told *told) {
	for key, last := range f.failed {
		if last.of.pid != pid || last.query && asked.excuses(last.of) || !isBelow(last.of.path, repos) {
			continue
		}
		last.to = goproxy.Direct
		if last.missing {
			told.add(last.from, last.of.path)
		}
		f.note(last.fallback, last.took)
		delete(f.failed, key)
	}
}

// isBelow reports whether a module may be in one of these repositories.
func isBelow(path string, repos []string) bool {
	for _, repo := range repos {
		for _, root := range []string{repo, strings.TrimSuffix(repo, ".git"), repo + ".git"} {
			if rest, ok := strings.CutPrefix(path, root); ok && (rest == "" || rest[0] == '/') {
				return true
			}
		}
	}
	return false
}

// logged takes a command of a version control system.
func (d *direct) logged(one *ran) {
	d.start()
	if c := d.commands.get(one.what); c != nil {
		c.runs++
		c.logged++
		c.total += one.took
		c.longest = max(c.longest, one.took)
	}
}
