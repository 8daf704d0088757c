// Command testsummary summarizes the output of go test -json on stdin. It prints a line for
// each package, the whole output of failures, why tests were skipped, and the totals as the
// last line.
//
// Before the totals it prints the attributes that tests set: "cell" for a row of a table,
// "measured" for a number beside its limit, and "reduced" if a test ran only in part. Tabs
// in them separate columns. "progress" goes to stderr at once. Then it repeats the last
// lines of each failed test.
//
// Meanwhile stderr says what runs: on a terminal in one line that it overwrites, elsewhere
// at least every ten seconds.
//
// It exits with 1 if a test failed, if there was none, or, with CI=true, if a test was
// skipped that skips.txt does not list. Tests themselves skip, whatever CI is.
package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
)

//go:embed skips.txt
var allowedSkips string

func main() {
	os.Exit(run(os.Stdin, os.Stdout, newProgress(os.Stderr, isTerminal(os.Stderr)), os.Getenv("CI") == "true"))
}

// run returns the exit status.
func run(in io.Reader, out io.Writer, p *progress, ci bool) int {
	s := newSummary(out, p)
	if ci {
		s.forbidSkips(allowedSkips)
	}
	err := s.read(in)
	p.stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "testsummary: %v\n", err)
		return 1
	}
	if !s.finish() {
		return 1
	}
	return 0
}
