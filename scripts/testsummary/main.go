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
// skipped that skips.txt does not list.
package main

import (
	_ "embed"
	"fmt"
	"os"
)

//go:embed skips.txt
var allowedSkips string

func main() {
	p := newProgress(os.Stderr, isTerminal(os.Stderr))
	s := newSummary(os.Stdout, p)
	if os.Getenv("CI") == "true" {
		s.forbidSkips(allowedSkips)
	}
	err := s.read(os.Stdin)
	p.stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "testsummary: %v\n", err)
		os.Exit(1)
	}
	if !s.finish() {
		os.Exit(1)
	}
}
