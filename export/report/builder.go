package report

import (
	"bytes"
	"errors"
	"io"

	"h2trace/decoder/capture"
	"h2trace/export/metrics"
	"h2trace/export/scan"
)

// Builder reads events and sums them up. It is not safe for concurrent use.
type Builder struct {
	parser parser
	run    *run // nil before its first event
	sums   *sums

	// What a log of "go -x" has in common with events is known when all files are read.
	log      *xlog   // of the current file
	logs     []*xlog // that have ended
	read     int64   // files
	waiting  int     // requests of logs
	recorded recorded
	alone    *run // the same by itself, if each is set
	each     func(*single)
	watchers []watcher
	grouping *grouping         // nil without GroupBy
	names    *names            // nil without Anonymize
	metrics  *metrics.Recorder // nil without Prometheus
	timeline *timeline         // nil without HTML
	secrets  secrets
}

// NewBuilder returns a Builder that has read nothing.
func NewBuilder() *Builder { return &Builder{sums: newSums()} }

// ErrCapture is the error of a file with packets.
var ErrCapture = errors.New("it holds packets: h2trace replay FILE | h2trace report")

// Read reads a file: events, a log of "go -x", both in one, or what a go command wrote with
// -debug-trace; also as gzip or PowerShell make it. A run ends with its summary, or with the file.
// It returns only errors of r and of its compression, and ErrCapture.
func (b *Builder) Read(r io.Reader) error {
	b.read++
	b.log = newXLog(-b.read)
	defer b.endLog()
	defer b.endRun()
	defer b.sums.trace.end()
	in, err := scan.Open(r)
	if err != nil {
		return err
	}
	if head, _ := in.Peek(4); capture.Is(head) { // an error comes again
		return ErrCapture
	}
	skipped, err := scan.Lines(in, func(line []byte) error {
		b.feed(line)
		return nil
	})
	b.sums.skipped += skipped
	return err
}

// feed takes a line of any kind of file.
func (b *Builder) feed(line []byte) {
	if b.sums.trace.take(line) {
		return
	}
	line = b.hide(b.secrets.hide(line))
	switch text := bytes.TrimSpace(line); {
	case len(text) == 0:
	case text[0] == '{' && len(text) > 1: // not of go mod download -json
		b.line(text)
	default:
		b.logLine(line, text)
	}
}

// line takes a line. A line that a report does not read begins no run.
func (b *Builder) line(line []byte) {
	e := b.parser.parse(line)
	if e == nil {
		b.sums.skipped++
		return
	}
	b.recorded.event(e)
	if b.metrics != nil {
		b.metrics.Take(line)
	}
	if b.run == nil {
		if _, ok := e.(*otherEvent); ok {
			return
		}
		b.begin()
	}
	b.take(e)
	if s, ok := e.(*summaryEvent); ok {
		b.run.summary(s)
		if b.alone != nil {
			b.alone.summary(s)
		}
		b.endRun()
	}
}

// endRun adds the current run to the sums.
func (b *Builder) endRun() {
	if b.metrics != nil {
		b.metrics.EndRun()
	}
	if b.run != nil {
		b.run.end()
		if b.timeline != nil {
			b.timeline.ended(b.run)
		}
		b.run = nil
		b.endAlone()
	}
}

// logLine takes a line that is no JSON object, and its text without white space around it.
func (b *Builder) logLine(line, text []byte) {
	whole := line[len(line)-1] == '\n'
	if line[0] == ' ' || line[0] == '\t' {
		line = bytes.TrimRight(line, "\r\n")
	} else {
		line = text
	}
	before := len(b.log.requests)
	b.log.line(line, whole)
	if b.waiting += len(b.log.requests) - before; b.waiting >= maxLogged {
		b.settleAll()
		b.settle(b.log)
	}
}

// endLog ends the log of a file, if it is one.
func (b *Builder) endLog() {
	l := b.log
	b.log = nil
	l.finish()
	if !l.isLog() {
		b.sums.skipped += l.lines + l.other
		return
	}
	if b.logs = append(b.logs, l); len(b.logs) == maxLogs {
		b.settleAll()
	}
}
