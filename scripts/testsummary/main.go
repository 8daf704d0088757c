// Command testsummary turns the output of go test -json on stdin into what a
// person wants to read: a line for each package, the whole output of what
// failed, why tests were skipped, and the totals as the last line.
//
// Before that come the attributes that tests set: "cell" for a row of a table,
// "measured" for a number beside its limit, and "reduced" where less was run
// than there is. Tabs in them separate columns. "progress" goes to stderr at
// once. After them stands the end of what each failed test has printed, again.
//
// Meanwhile stderr says what runs: on a terminal in a line that is written over,
// elsewhere at least every ten seconds.
//
// It exits with 1 when a test failed, when there was none, and, with CI=true,
// when a test was skipped that skips.txt does not list.
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
