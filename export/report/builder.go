package report

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"time"
)

// maxLine bounds a line; a longer one is skipped. A frame with the largest
// payload in base64 stays below.
const maxLine = 32 << 20

// Builder reads events and sums them up. It is not safe for concurrent use.
type Builder struct {
	parser parser
	run    *run
	runs   int
	parts  parts
	// outcomes counts the runs by what their commands came to.
	outcomes      [failed + 1]int
	failedWith    int64 // exit status of the last command that failed
	interruptions interruptions
	suspects      map[accused]*suspect
	open          []open
	opened        int // all of these
	skipped       int64
	lost          int64 // records

	proxies byName[proxy]
	kinds   byName[tally]
	modules byName[module]
	windows windows
	errors  failures
	// gaveUp are the requests that the client gave up after it had waited.
	gaveUp  failures
	served  served
	tools   tools
	retries int64         // requests that repeat one without an answer
	spent   time.Duration // in all exchanges
	// asked and connections are how many exchanges with servers there were, and
	// connections that were made, or met.
	asked, connections int64
	silences           int64 // connections on which nothing went, up to the end
	counted            int64 // exchanges, by the summaries
	nobody             bool  // a summary counts no process
	// reported is what the go command itself said.
	reported    failures
	failedDials failures // connections
	said        said
	// handshakes are those of all connections.
	handshakes handshakes
	chain      fallbacks
	direct     direct
	relays     relays
}

// NewBuilder returns a Builder that has read nothing.
func NewBuilder() *Builder {
	return &Builder{
		proxies: newByName[proxy](maxProxies),
		kinds:   newByName[tally](maxKinds),
		modules: newByName[module](maxModules),

		suspects:    make(map[accused]*suspect),
		reported:    failures{what: &complaining},
		failedDials: failures{what: &unconnected},
		errors:      failures{what: &unanswering},
		gaveUp:      failures{what: &givenUp},
	}
}

// Read reads a file, in which each run ends with its summary, the last one also
// with the file. It fails only where r does.
func (b *Builder) Read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	defer b.endRun()
	var long []byte
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, line...); len(long) > maxLine {
				b.skipped++
				if long, err = nil, skipLine(in); err != nil {
					return ended(err)
				}
			}
			continue
		case long != nil:
			line = append(long, line...)
			long = nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			b.line(line)
		}
		if err != nil {
			return ended(err)
		}
	}
}

func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// line takes a line. What a report does not read begins no run.
func (b *Builder) line(line []byte) {
	e := b.parser.parse(line)
	if e == nil {
		b.skipped++
		return
	}
	if b.run == nil {
		if _, ok := e.(*otherEvent); ok {
			return
		}
		b.run = newRun()
	}
	b.take(e)
	r, at := b.run, e.heading().at
	if r.first == 0 {
		r.first = at
	}
	r.last = max(r.last, at)
	if s, ok := e.(*summaryEvent); ok {
		b.summary(s)
	}
}

// take adds an event to the run.
func (b *Builder) take(e event) {
	switch e := e.(type) {
	case *frameEvent:
		b.frame(e)
	case *exchangeEvent:
		b.exchange(e)
	case *stallEvent:
		b.windows.stall(e)
	case *openEvent:
		b.openedConn(e)
	case *failedEvent:
		b.failedConn(e)
	case *closeEvent:
		b.closed(e)
	case *silentEvent:
		b.silent(e)
	case *execEvent:
		b.run.executed(e)
		b.direct.exec(e)
		b.tools.exec(e)
	case *exitEvent:
		b.exited(e)
	case *complaintEvent:
		b.run.met(e.at)
		b.complaint(e)
	case *attachedEvent:
		b.run.met(e.at)
		b.tools.found++
	case *skippedEvent:
		b.run.met(e.at)
		b.tools.skip(e)
	case *processEvent:
		b.run.met(e.at)
	case *lossEvent:
		b.lost += e.records
	}
}

// frame takes a frame, which ends the handshake of its connection.
func (b *Builder) frame(e *frameEvent) {
	b.windows.frame(e)
	if r := b.run; r.handshaking > 0 {
		r.spoke(r.conns[string(e.conn)])
	}
}

// exited takes the end of a process.
func (b *Builder) exited(e *exitEvent) {
	b.run.exited(e)
	if ended, ok := b.direct.exit(e); ok && e.pid != b.run.command {
		b.controlled(ended, e.at)
	}
	b.tools.exit(e, b.run.command)
}

// summary takes the end of a run.
func (b *Builder) summary(e *summaryEvent) {
	r := b.run
	b.counted += e.exchanges
	r.signal, r.outlived = text(e.signal), !e.running && r.command != 0 && r.ended == 0
	b.nobody = b.nobody || e.nobody
	if e.running {
		r.hasNoCommand()
	}
	b.endRun()
}

// endRun adds the run that was being read to the sums.
func (b *Builder) endRun() {
	if b.run == nil {
		return
	}
	b.runs++
	r := b.run
	r.dials.end(b)
	b.chain.end(b.direct.fetched, &b.said.family)
	b.said.end(b)
	at := r.until()
	b.endVersionControl(at)
	for _, c := range r.conns {
		b.unended(c, at)
	}
	b.parts = b.parts.plus(r.end())
	b.outcomes[r.outcome]++
	if r.outcome == failed {
		b.failedWith = r.status
	}
	b.interruptions.add(r)
	b.run = nil
}

// unreached takes a request, for a module or not, that did not get to its server.
func (b *Builder) unreached(name, class string, module bool) {
	p := b.proxies.get(name)
	if p == nil {
		return
	}
	p.requests++
	p.fail(class)
	if module {
		p.modules.requests++
		p.modules.fail(class)
	}
}

// urlIn finds the URL in an error of net/http.
var urlIn = regexp.MustCompile(`https?://[^"\s]+`)
