package report

import (
	"bytes"
	"time"
)

// xkind is the kind of a line that the go command prints with -x.
type xkind int

// The kinds. All but xWork are about the network. Their forms are the same in all releases
// since Go 1.18: cmd/go/internal/web for requests, cmd/go/internal/modfetch/codehost for
// version control systems.
const (
	xOther   xkind = iota // nothing that a report reads
	xBegin                // # get URL
	xEnd                  // # get URL: 200 OK (0.123s)
	xFailed               // # get URL: ERROR
	xRefused              // # get URL: insecure: the go command sent no request
	xRun                  // cd DIR; git ARGS
	xRan                  // 0.123s # cd DIR; git ARGS
	xRepo                 // mkdir -p DIR # git3 URL, and the same with "for"
	xWork                 // WORK=DIR: the beginning of a build
)

// xline is a line of a log of "go -x". Its slices are parts of the line.
type xline struct {
	kind   xkind
	url    []byte // of a request, or of a repository
	text   []byte // of xEnd the status, of xFailed the error, of xRun and xRan the command
	status int64
	took   time.Duration // of xEnd until the response began, of xRan until the command ended
	at     wallTime      // written before the line by a build service, or 0
}

var (
	xGet       = []byte("# get ")
	xGetHTTP   = []byte("# get http")
	xCommand   = []byte("cd ")
	xRunning   = []byte("; ")
	xWorkDir   = []byte("WORK=")
	xFor       = []byte(" for ")
	xComment   = []byte(" # ")
	xSeparator = []byte(": ")
)

// maxPrefix bounds what a build service may write before a line: a time, a step.
const maxPrefix = 64

// parse parses a line without its end, and reports whether it has a meaning. It reads the
// beginning of other lines only, as those of a build may be long.
func (x *xline) parse(line []byte) bool {
	*x = xline{}
	rest := afterPrefix(line)
	stamp := line[:len(line)-len(rest)]
	line = rest
	if len(line) < len("WORK=x") {
		return false
	}
	switch c := line[0]; {
	case c == '#' && bytes.HasPrefix(line, xGet):
		x.get(line[len(xGet):])
	case c == '#' || c == 'm':
		x.repo(line)
	case c == 'c' && bytes.HasPrefix(line, xCommand):
		x.command(xRun, line)
	case c >= '0' && c <= '9':
		x.ran(line)
	case c == 'W' && bytes.HasPrefix(line, xWorkDir):
		x.kind = xWork
	default:
		if at := bytes.Index(line[:min(len(line), maxPrefix)], xGetHTTP); at > 0 && line[at-1] == ' ' {
			x.get(line[at+len(xGet):])
		}
	}
	if x.kind != xOther && len(stamp) > 0 {
		x.at = stamped(stamp)
	}
	return x.kind != xOther
}

// stamped returns the time that a prefix begins with, in UTC, or 0.
func stamped(prefix []byte) wallTime {
	word, _, _ := bytes.Cut(prefix, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(word))
	if err != nil {
		return 0
	}
	return wallTime(at.UnixNano())
}

// afterPrefix cuts off what build services write before each line: "2026-01-02T03:04:05.6Z ",
// "#12 3.456 ".
func afterPrefix(line []byte) []byte {
	if len(line) < len("#1 0.0 x") {
		return line
	}
	digit := func(i int) bool { return line[i] >= '0' && line[i] <= '9' }
	switch {
	case digit(0) && len(line) > 20 && line[4] == '-' && line[10] == 'T' && line[13] == ':':
		if n := bytes.IndexByte(line[:min(len(line), maxPrefix)], ' '); n > 0 {
			return line[n+1:]
		}
	case line[0] == '#' && digit(1):
		if n := bytes.IndexByte(line[:5], ' '); n > 0 && digit(n+1) {
			if m := bytes.IndexByte(line[n+1:min(len(line), maxPrefix)], ' '); m > 0 {
				return line[n+1+m+1:]
			}
		}
	}
	return line
}

// get parses what follows "# get ". A line that is cut before its end is xOther: its request
// has no known end.
func (x *xline) get(rest []byte) {
	url, text, more := bytes.Cut(rest, xSeparator)
	if !isHTTP(url) || bytes.IndexByte(url, ' ') >= 0 {
		return
	}
	x.url = url
	if !more {
		x.kind = xBegin
		return
	}
	x.text = text
	switch string(text) {
	case "insecure", "unsupported", "insecure credentials":
		x.kind = xRefused
		return
	}
	if len(text) < 3 || !isStatus(text[:3]) || len(text) > 3 && text[3] != ' ' {
		x.kind = xFailed
		return
	}
	at := bytes.LastIndexByte(text, '(') - 1
	if at < 0 || text[at] != ' ' || !bytes.HasSuffix(text, []byte("s)")) {
		return
	}
	took, ok := seconds(text[at+2 : len(text)-2])
	if !ok {
		return
	}
	for _, c := range text[:3] {
		x.status = x.status*10 + int64(c-'0')
	}
	x.kind, x.text, x.took = xEnd, text[:at], took
}

func isHTTP(url []byte) bool {
	rest, ok := bytes.CutPrefix(url, []byte("http"))
	if !ok {
		return false
	}
	rest = bytes.TrimPrefix(rest, []byte("s"))
	return len(rest) > len("://") && string(rest[:3]) == "://"
}

// isStatus reports whether b is a status code (RFC 9110 §15).
func isStatus(b []byte) bool {
	return b[0] >= '1' && b[0] <= '9' && b[1] >= '0' && b[1] <= '9' && b[2] >= '0' && b[2] <= '9'
}

// ran parses the end of a version control system: "0.123s # cd DIR; git ARGS". svn may have
// no directory.
func (x *xline) ran(line []byte) {
	at := bytes.Index(line[:min(len(line), maxPrefix)], xComment)
	if at < 2 || line[at-1] != 's' {
		return
	}
	took, ok := seconds(line[:at-1])
	if !ok {
		return
	}
	x.command(xRan, line[at+len(xComment):])
	x.took = took
}

// command parses "cd DIR; git ARGS".
func (x *xline) command(kind xkind, line []byte) {
	if rest, ok := bytes.CutPrefix(line, xCommand); ok {
		_, command, ok := bytes.Cut(rest[:min(len(rest), 1<<12)], xRunning)
		if !ok {
			return
		}
		line = command
	}
	program, _, _ := bytes.Cut(line, []byte(" "))
	switch string(program) {
	case "git", "hg", "svn", "bzr", "fossil":
		x.kind, x.text = kind, line
	}
}

// repo parses a line that names a repository: "mkdir -p DIR # git3 URL", "# DIR for vcs1.hg URL".
// Go 1.18 ends the line before it, "# lock FILE", without a newline.
func (x *xline) repo(line []byte) {
	line = line[:min(len(line), 1<<12)]
	sep := xComment
	if line[0] == '#' && !bytes.HasPrefix(line, []byte("# lock ")) {
		sep = xFor
	}
	at := bytes.LastIndex(line, sep)
	if at < 0 {
		return
	}
	kind, url, _ := bytes.Cut(line[at+len(sep):], []byte(" "))
	known := bytes.HasPrefix(kind, []byte("git")) || bytes.HasPrefix(kind, []byte("vcs"))
	if known && bytes.Contains(url, []byte("://")) {
		x.kind, x.url = xRepo, url
	}
}

// seconds parses a time as "%.3f" prints it.
func seconds(b []byte) (time.Duration, bool) {
	dot := len(b) - 4
	if dot < 1 || dot > 8 || b[dot] != '.' {
		return 0, false
	}
	var n time.Duration
	for i, c := range b {
		if i == dot {
			continue
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + time.Duration(c-'0')
	}
	return n * time.Millisecond, true
}
