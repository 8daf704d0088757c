package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// quietTime is the longest silence in a log while tests run.
	quietTime = 10 * time.Second
	// longTest is how long a test runs before it gets its own line in a log.
	longTest = 2 * time.Second
	// namedTests bounds the running tests that are named.
	namedTests = 3
)

// progress says on stderr what runs. On a terminal it overwrites one line. Elsewhere it
// prints a line for each test that took long, and one whenever quietTime has passed. It is
// safe for concurrent use.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	began    time.Time
	said     time.Time
	shown    bool // a line to erase
	ended    int
	failed   int
	running  []test // outermost tests that have begun and not ended
	done     chan struct{}
	stopped  sync.WaitGroup
}

// newProgress starts the output; stop ends it.
func newProgress(w io.Writer, terminal bool) *progress {
	p := &progress{w: w, terminal: terminal, began: time.Now(), said: time.Now(), done: make(chan struct{})}
	p.stopped.Go(p.tick)
	return p
}

// isTerminal reports whether a file is a terminal.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

func (p *progress) tick() {
	for t := time.NewTicker(time.Second); ; {
		select {
		case <-p.done:
			t.Stop()
			return
		case now := <-t.C:
			p.mu.Lock()
			if p.terminal || now.Sub(p.said) >= quietTime {
				p.status(now)
			}
			p.mu.Unlock()
		}
	}
}

// stop erases the line on a terminal.
func (p *progress) stop() {
	close(p.done)
	p.stopped.Wait()
	p.clear()
}

// clear erases the line before other output.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

func (p *progress) wipe() {
	if p.shown {
		p.shown = false
		_, _ = io.WriteString(p.w, "\r\x1b[K") // as in summary.printf
	}
}

// say prints a line.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(format, args...)
}

func (p *progress) line(format string, args ...any) {
	p.wipe()
	p.said = time.Now()
	_, _ = fmt.Fprintf(p.w, format+"\n", args...)
}

// begin, pause and end follow the outermost tests.
func (p *progress) begin(t test) {
	if t.name == "" || strings.Contains(t.name, "/") {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, t)
}

func (p *progress) pause(t test) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = slices.DeleteFunc(p.running, func(r test) bool { return r == t })
}

func (p *progress) end(t test, action string, took float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.name == "" { // a package, with its tests that did not end
		p.running = slices.DeleteFunc(p.running, func(r test) bool { return r.pkg == t.pkg })
		return
	}
	p.ended++
	if action == "fail" {
		p.failed++
	}
	if i := slices.Index(p.running, t); i >= 0 {
		p.running = slices.Delete(p.running, i, i+1)
		if !p.terminal && (took >= longTest.Seconds() || action == "fail") {
			p.line("      %s %s: %s in %.1f s", short(t.pkg), t.name, action, took)
		}
	}
}

// status says what runs.
func (p *progress) status(now time.Time) {
	text := "nothing ends yet: programs are built, or kernels emulated"
	var names []string
	for _, t := range p.running {
		if len(names) < namedTests {
			names = append(names, short(t.pkg)+" "+t.name)
		}
	}
	switch {
	case len(names) > 0 && len(p.running) > len(names):
		text = fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(p.running)-len(names))
	case len(names) > 0:
		text = strings.Join(names, ", ")
	case p.ended > 0:
		text = "between two tests, or programs are being built"
	}
	text = fmt.Sprintf("[%s] %d ended, %d failed; %s", now.Sub(p.began).Round(time.Second), p.ended, p.failed, text)
	if !p.terminal {
		p.line("%s", text)
		return
	}
	const most = 79
	if len(text) > most {
		text = text[:most]
	}
	_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s", text)
	p.shown = true
}

// short returns the name of a package without the common prefix.
func short(pkg string) string {
	for _, room := range []string{"h2trace/", "cmd/h2trace/internal/", "testkit/"} {
		pkg = strings.TrimPrefix(pkg, room)
	}
	return pkg
}
