package main

import (
	"fmt"
	"io"
	"strings"
)

const (
	// repeatedFailures and repeatedLines bound the repeated output.
	repeatedFailures = 20
	repeatedLines    = 20
)

// failures holds the last lines of failed tests. They are printed again at the end, for
// readers who have only the end of a long log.
type failures struct {
	ends  []string
	count int
}

// add adds the output of a test, line by line.
func (f *failures) add(t test, lines []string) {
	f.count++
	if len(f.ends) == repeatedFailures || len(lines) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "failed: %s %s\n", t.pkg, t.name)
	if more := len(lines) - repeatedLines; more > 0 {
		fmt.Fprintf(&b, "    (%d lines more above)\n", more)
		lines = lines[more:]
	}
	for _, line := range lines {
		b.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
	}
	f.ends = append(f.ends, b.String())
}

func (f *failures) print(w io.Writer) {
	for _, end := range f.ends {
		_, _ = io.WriteString(w, end) // as in summary.printf
	}
	if more := f.count - len(f.ends); more > 0 {
		_, _ = fmt.Fprintf(w, "failed: %d more above\n", more)
	}
}
