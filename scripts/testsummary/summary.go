package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of go test -json; see go doc test2json and go help buildjson.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
	Key, Value  string // of an attribute
}

// test names one test of one package; the name is empty for the package itself.
type test struct {
	pkg, name string
}

// counts counts the tests by result.
type counts struct {
	passed, failed, skipped int
}

// summary collects events and prints the summary.
type summary struct {
	w            io.Writer
	progress     *progress
	output       map[test]*strings.Builder
	build        map[string]*strings.Builder
	perPackage   map[string]*counts
	total        counts
	notes        notes
	failures     failures
	skipsAllowed map[test]bool // nil: all
	forbidden    []test        // skipped tests that are not in skipsAllowed
}

func newSummary(w io.Writer, p *progress) *summary {
	return &summary{
		w:          w,
		progress:   p,
		output:     make(map[test]*strings.Builder),
		build:      make(map[string]*strings.Builder),
		perPackage: make(map[string]*counts),
		notes:      make(notes),
	}
}

// forbidSkips makes skipped tests failures, except those in the list.
func (s *summary) forbidSkips(allowed string) {
	s.skipsAllowed = make(map[test]bool)
	for line := range strings.Lines(allowed) {
		fields := strings.Fields(line)
		if len(fields) >= 3 && fields[0] != "#" {
			s.skipsAllowed[test{fields[0], fields[1]}] = true
		}
	}
}

// read reads events to the end of r. It prints lines that are not events: go test prints
// some errors like that.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) != nil:
			s.printf("%s", line)
		default:
			s.add(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) add(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "run", "cont":
		s.progress.begin(t)
	case "pause": // in t.Parallel, until others have ended
		s.progress.pause(t)
	case "output":
		appendTo(s.output, t, e.Output)
	case "build-output":
		appendTo(s.build, e.ImportPath, e.Output)
	case "attr":
		s.notes.add(e.Key, e.Value)
		if e.Key == "progress" {
			s.progress.say("%s", e.Value)
		}
	case "pass", "fail", "skip":
		s.progress.end(t, e.Action, e.Elapsed)
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(t, e.Action)
		}
		delete(s.output, t)
	}
}

func appendTo[K comparable](m map[K]*strings.Builder, key K, text string) {
	b := m[key]
	if b == nil {
		b = &strings.Builder{}
		m[key] = b
	}
	b.WriteString(text)
}

func (s *summary) endTest(t test, action string) {
	c := s.countsOf(t.pkg)
	switch action {
	case "pass":
		c.passed++
	case "fail":
		c.failed++
		s.failures.add(t, s.printOutput(t))
	case "skip":
		c.skipped++
		s.printOutput(t)
		if s.skipsAllowed != nil && !s.skipsAllowed[t] {
			s.forbidden = append(s.forbidden, t)
		}
	}
}

func (s *summary) countsOf(pkg string) *counts {
	c := s.perPackage[pkg]
	if c == nil {
		c = &counts{}
		s.perPackage[pkg] = c
	}
	return c
}

// endPackage prints the line of a package. A package that failed without a failed test did
// not build, panicked, or timed out. That counts as a failure, too.
func (s *summary) endPackage(e event) {
	c := s.countsOf(e.Package)
	if e.Action == "fail" && c.failed == 0 {
		c.failed++
		if b := s.build[e.FailedBuild]; b != nil {
			s.printf("%s", b)
			s.failures.add(test{pkg: e.Package}, slices.Collect(strings.Lines(b.String())))
			delete(s.build, e.FailedBuild) // once, even if more packages need it
		}
		s.printUnfinished(e.Package)
	}
	s.total.passed += c.passed
	s.total.failed += c.failed
	s.total.skipped += c.skipped
	if *c != (counts{}) {
		took := "" // absent from the output of "go tool test2json"
		if e.Elapsed > 0 {
			took = fmt.Sprintf("%.1fs", e.Elapsed)
		}
		s.printf("%-5s %-45s %7s  %s\n", verdict(*c), e.Package, took, c)
	}
}

// printUnfinished prints the output of a package, and of its tests that did not end.
func (s *summary) printUnfinished(pkg string) {
	for t := range s.output {
		if t.pkg == pkg {
			s.failures.add(t, s.printOutput(t))
		}
	}
}

// printOutput prints the output of a test, and returns the lines.
func (s *summary) printOutput(t test) (lines []string) {
	if b := s.output[t]; b != nil {
		for line := range strings.Lines(b.String()) {
			if !strings.HasPrefix(line, "=== ") {
				s.printf("%s", line)
				lines = append(lines, line)
			}
		}
		delete(s.output, t)
	}
	return lines
}

// finish prints the notes of tests and the totals. It reports whether all tests passed.
func (s *summary) finish() bool {
	s.notes.print(s.w)
	s.failures.print(s.w)
	for _, t := range s.forbidden {
		s.printf("FAIL  %s %s was skipped, and skips.txt does not allow it\n", t.pkg, t.name)
	}
	if s.total == (counts{}) {
		s.printf("FAIL  there were no tests\n")
	}
	s.printf("%s\n", s.total)
	return s.total.failed == 0 && len(s.forbidden) == 0 && s.total != counts{}
}

func verdict(c counts) string {
	if c.failed > 0 {
		return "FAIL"
	}
	return "ok"
}

// String returns the counts as the last line shows them.
func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// printf drops the error: without stdout, the summary has no reader.
func (s *summary) printf(format string, args ...any) {
	s.progress.clear()
	_, _ = fmt.Fprintf(s.w, format, args...)
}
