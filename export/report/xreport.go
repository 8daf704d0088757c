package report

import (
	"fmt"
	"strings"
	"time"
)

// Logs sums up logs of "go -x". Such a log has no clock: Wait and VCS are the least times
// that passed until responses began, and in version control systems, in runs without events.
// Wall is the time from the first to the last line about the network, if a build service wrote
// times before the lines of all these.
type Logs struct {
	Runs       int   `json:"runs"`        // without events
	Recorded   int   `json:"recorded"`    // logs of runs with events
	Requests   int64 `json:"requests"`    // counted in the other tables
	InEvents   int64 `json:"in_events"`   // not counted: events have them
	Unended    int64 `json:"unended"`     // without an end in the log
	Lines      int64 `json:"lines"`       // that say something of the network
	OtherLines int64 `json:"other_lines"` // as those of a build
	// Times are unknown without a run.
	Wait Millis `json:"wait_ms"`
	VCS  Millis `json:"vcs_ms"`
	Wall Millis `json:"wall_ms"`
}

// onlyLogs reports whether there are no events.
func (s *sums) onlyLogs() bool { return s.logs.count > 0 && s.logs.count == s.ends.runs }

// logged completes a report by what comes of logs.
func (s *sums) logged(r *Report) {
	l := &s.logs
	if l.count+l.recorded == 0 {
		return
	}
	r.Logs = &Logs{
		Runs: l.count, Recorded: l.recorded, Requests: l.requests, InEvents: l.twice, Unended: l.unended,
		Lines: l.lines, OtherLines: l.other, Wait: ms(l.wait), VCS: ms(l.vcs), Wall: unknownTime,
	}
	if l.clock() {
		r.Logs.Wall = ms(l.wall)
	}
	if l.count == 0 {
		r.Logs.Wait, r.Logs.VCS = unknownTime, unknownTime
	}
	if !s.onlyLogs() {
		return
	}
	u := unknownTime
	r.Wall = u
	r.Time = Time{DNS: u, Connect: u, TLS: u, Send: u, Wait: r.Logs.Wait, Receive: u, Stall: u, Other: u, VCS: r.Logs.VCS, Idle: u}
	r.Windows.Stalls, r.HTTPProxies, r.Programs = nil, nil, nil
}

// timeTable is that of logs without events.
func (l *Logs) timeTable() table {
	title := "Where the time went: 1 log of go -x, which has no clock"
	if l.Runs > 1 {
		title = fmt.Sprintf("Where the time went: %d logs of go -x, which have no clock", l.Runs)
	}
	share := func(Millis) string { return "-" }
	wall := l.Wait + l.VCS
	if l.Wall.known() {
		title, wall = strings.Replace(strings.Replace(title, "which has no clock", "by the times before its lines", 1),
			"which have no clock", "by the times before their lines", 1), l.Wall
		share = func(m Millis) string { return fmt.Sprintf("%.0f %%", float64(m)/max(float64(wall), 1e-9)*100) }
	}
	t := table{title, [][]string{{"phase", "ms", "share"}}}
	if l.VCS > 0 {
		t.rows = append(t.rows, []string{"git and alike", atLeast(unknownTime, l.VCS), share(l.VCS)})
	}
	return table{title, append(t.rows,
		[]string{"until responses began", atLeast(unknownTime, l.Wait), share(l.Wait)},
		[]string{"wall time", atLeast(unknownTime, wall), share(wall)},
	)}
}

// clock reports whether the wall time of all runs without events is known.
func (l *logs) clock() bool { return l.count > 0 && l.clocked == l.count }

// onlyLogged reports whether all requests are those of logs.
func (t *tally) onlyLogged() bool { return t.logged > 0 && t.logged == t.requests }

// clocked names the runs whose times are known.
func (r *Report) clocked() string {
	runs, logs := r.Runs, ""
	if r.Logs != nil && r.Logs.Runs > 0 {
		runs -= r.Logs.Runs
		logs = ", without " + several(int64(r.Logs.Runs), "log", "logs") + " of go -x"
	}
	return several(int64(runs), "run", "runs") + logs
}

// anyOnlyLogged reports whether the requests for modules to a proxy are all of logs.
func (l *proxyTable) anyOnlyLogged() bool {
	for _, p := range l.values {
		if p.modules.onlyLogged() {
			return true
		}
	}
	return false
}

// count returns a number that logs do not have.
func (t *tally) count(n int64) Count {
	if t.onlyLogged() {
		return Unknown
	}
	return Count(n)
}

func (m *module) report(path, version string) Module {
	out := Module{path, version, m.requests, m.failures, Count(m.bytes), ms(m.total), ms(m.longest), ms(m.stalled), ms(m.waited), ms(m.longestWait)}
	if m.logged == m.requests {
		out.Bytes, out.Total, out.Longest, out.Stalled = Unknown, unknownTime, unknownTime, unknownTime
	}
	if m.untimed == m.requests {
		out.Wait, out.LongestWait = unknownTime, unknownTime
	}
	return out
}

// least returns the time that requests for the module took at least.
func (m *Module) least() Millis {
	switch {
	case m.Total.known():
		return m.Total
	case m.Wait.known():
		return m.Wait
	}
	return 0
}

func (m *Module) total() string   { return atLeast(m.Total, m.Wait) }
func (m *Module) longest() string { return atLeast(m.Longest, m.LongestWait) }

// atLeast returns a time, or what it is at least if it is unknown, as a cell of a table.
func atLeast(m, least Millis) string {
	switch {
	case m.known():
		return number(m)
	case !(least > 0):
		return "-"
	}
	return "≥ " + number(least)
}

// evidence says what logs leave out, and what of them was not counted.
func (l *logs) evidence() []string {
	var list []string
	if l.unended > 0 {
		text := several(l.unended, "request has", "requests have") + " no end in the log: it was cut there, or the command was stopped"
		if l.example != "" {
			text += ", such as GET " + l.example
		}
		list = append(list, text)
	}
	if l.twice > 0 {
		list = append(list, several(l.twice, "request", "requests")+" of logs of go -x counted once: the events have them, too")
	}
	switch {
	case l.clock():
		list = append(list, "a log of go -x has no sizes, "+unseen)
	case l.count > 0:
		list = append(list, "a log of go -x has no clock, no sizes, "+unseen)
	}
	return list
}

// unseen says what a log does not have.
const unseen = "and no line for a redirect or a second try with credentials: of DNS, connecting, " +
	"TLS, windows and the time in which bodies came it says nothing; h2trace -o FILE go … records them"

// longLog is the time above which what a log shows is a cause. Shares are unknown without a
// clock.
const longLog = time.Second

// ofLogs returns the verdict on logs without events.
func (j *judge) ofLogs() Verdict {
	l := &j.logs
	evidence := j.ledger.evidence()
	part, cost := partWait, l.wait
	if l.vcs > cost {
		part, cost = partVCS, l.vcs
	}
	if j.fatal() {
		v := j.failure()
		if cost > longLog {
			v.Evidence = append(v.Evidence, fmt.Sprintf("besides, at least %s passed %s", human(cost), map[int]string{
				partWait: "until responses began", partVCS: "in git and alike",
			}[part]))
		}
		return v
	}
	switch {
	case cost > longLog && (!l.clock() || float64(cost) > largeShare*float64(l.wall)):
		v := j.slowLog(part, cost)
		v.Evidence = append(v.Evidence, evidence...)
		return v
	case l.requests == 0 && len(evidence) == 0:
		return Verdict{Healthy, "no request is in the log: all that the go command needed was in the module cache, or the log begins after it", nil}
	}
	begin := "no request failed"
	if len(evidence) > 0 {
		begin = "what failed made no command fail, as far as the log says"
	}
	in := ""
	if l.vcs > 0 {
		in = fmt.Sprintf(", and %s in git and alike", human(l.vcs))
	}
	return Verdict{Healthy, fmt.Sprintf("%s, and at least %s passed until responses began%s; how long bodies took, "+
		"and the command, only h2trace -o shows", begin, human(l.wait), in), evidence}
}

// slowLog says where the time went that a log shows.
func (j *judge) slowLog(part int, cost time.Duration) Verdict {
	l := &j.logs
	rest := "; what of it is DNS, connecting, TLS or the server, and what share of the run, only h2trace -o shows"
	if l.clock() {
		rest = fmt.Sprintf(", of %s; what of it is DNS, connecting, TLS or the server, only h2trace -o shows", human(l.wall))
	}
	if s := l.suspects.culprit(part, cost); s != nil {
		c := charges[s.fault]
		return Verdict{c.cause, fmt.Sprintf("at least %s went to ", human(s.cost[part])) + s.fill(c.text), nil}
	}
	if part == partVCS {
		return Verdict{VCS, fmt.Sprintf("at least %s went to git and alike, with which modules are fetched directly", human(cost)), nil}
	}
	v := Verdict{Cause: ServerWait, Text: fmt.Sprintf("at least %s passed until responses began", human(cost))}
	p := j.tables.proxies.mostWaitedFor()
	if p == nil {
		return v
	}
	wait, _ := p.wait.quantile(0.5)
	v.Evidence = append(v.Evidence, fmt.Sprintf("the median response began after %s, the slowest after %s: %s",
		human(time.Duration(wait)), human(l.longest), l.slowest))
	if count, sum := p.wait.beyond(longer * wait); sum > float64(p.waited)/2 {
		v.Text += ", most of it for a few requests: the proxy may have had to fetch these for itself"
		v.Evidence = append(v.Evidence, fmt.Sprintf("%d of %d requests waited more than %d times as long, and make %.0f %% of the waiting",
			count, p.wait.count, longer, min(sum/float64(p.waited), 1)*100))
	}
	v.Text += rest
	return v
}
