package report

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
)

// The bounds on what is kept of a log.
const (
	maxLogs    = 64      // that wait for their events
	maxLogged  = 1 << 13 // requests of these
	maxAsked   = 1 << 13 // URLs of one log
	maxUnended = 1 << 12 // requests in flight
	maxRepos   = 1 << 10
)

// xlog is a log of "go -x": one file, or what is one in a file of events.
//
// A log has no clock. It says how long each request waited for its response, and what was
// under way at that time: the order of the lines. Elapsed is the least time that agrees with
// both: each end is at least the duration after its begin, and no line is before the one
// above it. Where the machine is busy, a request may begin before its line, which makes it a
// little too long. Build services write the time before each line, which is a clock.
type xlog struct {
	pid     int64 // distinguishes logs; no process has a negative one
	marks   int64 // lines that only -x prints
	lines   int64 // these, progress and complaints
	other   int64 // all others, as those of a build or of other programs
	parsed  xline
	elapsed time.Duration
	clock   stamps

	asked    map[string]*wanted // by URL
	last     *wanted            // the last of these
	open     int                // requests without an end
	requests []logged           // that wait for their events
	unended  []*wanted
	lost     int64                        // requests without an end, beyond the bound
	classes  map[string]goproxy.Complaint // by error
	ran      []ran
	commands map[string][]time.Duration // when those in progress began
	repos    []string                   // without a scheme
	voice    voice

	settling *settling // nil until the first request is counted
}

// logged is a request of a log.
type logged struct {
	*wanted
	status  int64
	class   string // of its failure, or empty
	detail  string
	took    time.Duration // until its response began
	known   bool          // took is
	advance time.Duration // of the time elapsed
}

// ran is a finished command of a version control system.
type ran struct {
	what          string
	took, advance time.Duration
}

func newXLog(pid int64) *xlog {
	return &xlog{pid: pid, asked: make(map[string]*wanted), commands: make(map[string][]time.Duration)}
}

// isLog reports whether it is one: -x prints some lines that nothing else does.
func (l *xlog) isLog() bool { return l.marks > 0 }

// line takes a line without its end. whole is false for a last line without a newline, which
// may have been cut.
func (l *xlog) line(line []byte, whole bool) {
	x := &l.parsed
	if !x.parse(line) {
		if l.voice.says(line) {
			l.lines++
		} else {
			l.other++
		}
		return
	}
	l.voice.speak()
	if x.kind == xBegin && !whole {
		l.other++
		return
	}
	l.lines++
	l.marks++
	l.clock.read(x)
	if x.kind != xBegin && (x.kind != xEnd || x.status >= 400) {
		x.text = []byte(redact.String(string(x.text)))
	}
	switch x.kind {
	case xBegin:
		l.begin(x)
	case xEnd, xFailed:
		l.end(x)
	case xRun:
		if len(l.commands) < maxUnended {
			what := string(x.text[:min(len(x.text), maxCommand)])
			l.commands[what] = append(l.commands[what], l.elapsed)
		}
	case xRan:
		l.runs(x)
	case xRepo:
		_, repo, _ := strings.Cut(redact.String(string(x.url)), "://")
		if !slices.Contains(l.repos, repo) && len(l.repos) < maxRepos {
			l.repos = append(l.repos, repo)
		}
	}
}

// begin takes the begin of a request.
func (l *xlog) begin(x *xline) {
	if l.open == maxUnended {
		l.lost++
		return
	}
	a := l.ask(x.url)
	a.begun = append(a.begun, l.elapsed)
	l.open++
}

// ask returns what a URL asks for.
func (l *xlog) ask(url []byte) *wanted {
	if l.last != nil && l.last.raw == string(url) {
		return l.last
	}
	if a := l.asked[string(url)]; a != nil {
		l.last = a
		return a
	}
	if len(l.asked) == maxAsked {
		for name, a := range l.asked {
			if len(a.begun) == 0 {
				delete(l.asked, name)
			}
		}
	}
	a := newWanted(string(url))
	l.asked[a.raw] = a
	if a.page {
		host, _, _ := strings.Cut(a.url[strings.Index(a.url, "://")+3:], "?")
		if len(l.repos) < maxRepos {
			l.repos = append(l.repos, host)
		}
	}
	return a
}

// end takes the end of a request. One whose begin is not in the log began before it.
func (l *xlog) end(x *xline) {
	a := l.ask(x.url)
	r := logged{wanted: a, status: x.status, took: x.took, known: x.kind == xEnd}
	if len(a.begun) > 0 {
		r.advance = l.elapse(a.begun[0], r.took)
		a.begun = append(a.begun[:0], a.begun[1:]...)
		l.open--
	} else if l.lost > 0 {
		l.lost--
	}
	switch {
	case x.kind == xFailed:
		r.class, r.detail = l.classify(x)
	case r.status >= 500:
		r.class, r.detail = "http_5xx", string(x.text)
	case r.status >= 400:
		r.class, r.detail = "http_4xx", string(x.text)
	}
	l.requests = append(l.requests, r)
	l.voice.after(&r)
}

// elapse moves the time forward to the end of what began at a time. It returns by how much, or
// with a clock, how much of that time nothing else has had.
func (l *xlog) elapse(begun, took time.Duration) time.Duration {
	if l.clock.lines > 0 {
		return l.clock.cover(l.clock.now-took, l.clock.now)
	}
	by := max(0, begun+took-l.elapsed)
	l.elapsed += by
	return by
}

// maxClasses bounds the errors whose class is remembered.
const maxClasses = 256

// classify returns the class of the error of a request, and the error without its URL.
func (l *xlog) classify(x *xline) (class, detail string) {
	text := x.text[:min(len(x.text), maxBlock)]
	if i := bytes.LastIndex(text, []byte(`": `)); i >= 0 {
		detail = string(text[i+len(`": `):])
	} else {
		detail = string(text)
	}
	c, ok := l.classes[detail]
	if !ok {
		c.Class = goproxy.ClassOther
		for _, c = range goproxy.ParseComplaints("go: "+string(text), nil) {
			break
		}
		if len(l.classes) < maxClasses {
			put(&l.classes, detail, c)
		}
	}
	return c.Class, detail
}

// runs takes the end of a version control system.
func (l *xlog) runs(x *xline) {
	what := string(x.text[:min(len(x.text), maxCommand)])
	r := ran{what: what, took: x.took}
	if begun := l.commands[what]; len(begun) > 0 {
		r.advance = l.elapse(begun[0], x.took)
		if len(begun) == 1 {
			delete(l.commands, what)
		} else {
			l.commands[what] = begun[1:]
		}
	}
	if len(l.ran) < maxLogged {
		l.ran = append(l.ran, r)
	}
}

// finish ends the log.
func (l *xlog) finish() {
	l.voice.speak()
	for _, a := range l.asked {
		if len(a.begun) > 0 {
			l.unended = append(l.unended, a)
		}
	}
	slices.SortFunc(l.unended, func(a, b *wanted) int { return strings.Compare(a.url, b.url) })
	l.asked, l.last, l.commands, l.classes = nil, nil, nil, nil
	l.voice = voice{said: l.voice.said}
}
