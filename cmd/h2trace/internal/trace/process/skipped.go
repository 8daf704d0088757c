package process

import (
	"fmt"
	"path/filepath"
)

// skipped holds the reasons why nothing can be captured in processes.
type skipped struct {
	typed   string // COMMAND as typed, "" with -p and -n
	pid     int    // its process
	command string // the reason for it
	last    string // the last reason, of any process
}

// add adds a skipped process.
func (s *skipped) add(p *Process, reason string) {
	s.last = fmt.Sprintf("%s: %s", p.Exe, reason)
	if s.typed != "" && p.PID == s.pid && s.command == "" {
		s.last = fmt.Sprintf("%s: %s", s.name(p.Exe), reason)
		s.command = s.last
	}
}

// name returns COMMAND as typed, with the executable if that has another name, such as a
// shell.
func (s *skipped) name(exe string) string {
	if filepath.Base(exe) == filepath.Base(s.typed) {
		return s.typed
	}
	return fmt.Sprintf("%s (%s)", s.typed, exe)
}

// runAdvice says what to run instead.
const runAdvice = "run a Go program that uses crypto/tls, or a command that starts one"

// String returns the reason for COMMAND and for the programs that it ran.
func (s *skipped) String() string {
	switch s.command {
	case "":
		return s.last
	case s.last:
		return s.command + "; " + runAdvice
	}
	return fmt.Sprintf("%s, and it ran %s; %s", s.command, s.last, runAdvice)
}
