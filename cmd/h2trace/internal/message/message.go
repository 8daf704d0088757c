// Package message prints h2trace's messages to the user.
package message

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"h2trace/export/redact"
)

// Printer prints messages. Each is one line that begins with the name of the program,
// because the observed command may print there, too. It is safe for concurrent use.
type Printer struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
}

// New returns a Printer to w, which is stderr. With quiet it prints only errors.
func New(w io.Writer, quiet bool) *Printer { return &Printer{w: w, quiet: quiet} }

// Infof prints a message unless the user asked for quiet.
func (m *Printer) Infof(format string, args ...any) {
	if !m.quiet {
		m.print(format, args...)
	}
}

// Errorf prints an error, also when the user asked for quiet.
func (m *Printer) Errorf(format string, args ...any) {
	m.print(format, args...)
}

// print writes one line in one call, so that lines of several processes on the same
// terminal do not mix. Messages quote what users and servers wrote, so secrets are removed, also
// with --show-secrets. It drops an error: nothing is left to report that stderr is gone on.
func (m *Printer) print(format string, args ...any) {
	line := "h2trace: " + oneLine(redact.String(fmt.Sprintf(format, args...))) + "\n"
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = io.WriteString(m.w, line)
}

// oneLine joins lines, such as those of errors.Join, and replaces the other control
// characters. Others choose the names of files and processes; these must not forge a
// message or control the terminal.
func oneLine(s string) string {
	s = strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// Count returns a number with its noun, in the singular or plural.
func Count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
