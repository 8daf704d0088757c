package proxies

import (
	"os"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/terminal"
)

// progress says how far the downloads are: on a terminal in a line that is wiped, else in
// messages.
type progress struct {
	line     *terminal.Progress // nil where nothing is to be shown
	terminal bool
	msg      *message.Printer
}

func newProgress(stderr *os.File, quiet bool, msg *message.Printer) *progress {
	p := &progress{terminal: terminal.Is(stderr), msg: msg}
	if !quiet {
		p.line = terminal.NewProgress(stderr)
	}
	return p
}

// now shows what is going on.
func (p *progress) now(format string, args ...any) { p.line.Show(format, args...) }

// done says what has ended, where that is not on a line to be wiped.
func (p *progress) done(format string, args ...any) {
	if !p.terminal {
		p.msg.Infof(format, args...)
	}
}

// end wipes the line.
func (p *progress) end() { p.line.End() }
