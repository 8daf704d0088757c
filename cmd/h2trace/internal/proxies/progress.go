package proxies

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/message"
)

// progress says how far the downloads are: on a terminal in a line that is wiped, else in
// messages.
type progress struct {
	terminal *os.File // nil if stderr is none
	quiet    bool
	msg      *message.Printer
}

func newProgress(stderr *os.File, quiet bool, msg *message.Printer) *progress {
	p := &progress{quiet: quiet, msg: msg}
	if _, err := unix.IoctlGetTermios(int(stderr.Fd()), unix.TCGETS); err == nil {
		p.terminal = stderr
	}
	return p
}

// wipe is the start of a line, and the removal of what is on it.
const wipe = "\r\x1b[K"

// now shows what is going on.
func (p *progress) now(format string, args ...any) {
	if p.terminal == nil || p.quiet {
		return
	}
	text := []rune("h2trace: " + fmt.Sprintf(format, args...))
	if size, err := unix.IoctlGetWinsize(int(p.terminal.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 1 {
		text = text[:min(len(text), int(size.Col)-1)] // a longer one could not be wiped
	}
	_, _ = p.terminal.WriteString(wipe + string(text)) // without a terminal, nobody misses it
}

// done says what has ended, where that is not on a line to be wiped.
func (p *progress) done(format string, args ...any) {
	if p.terminal == nil {
		p.msg.Infof(format, args...)
	}
}

// end wipes the line.
func (p *progress) end() {
	if p.terminal != nil && !p.quiet {
		_, _ = p.terminal.WriteString(wipe) // see now
	}
}
