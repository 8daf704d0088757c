package process

import (
	"fmt"
	"path/filepath"
)

// skipped is why nothing can be captured in processes.
type skipped struct {
	typed   string // COMMAND as it was typed, "" with -p and -n
	pid     int    // its process
	command string // why nothing can be captured in it
	last    string // the last reason, of any process
}

// add takes a process that was skipped.
func (s *skipped) add(p *Process, reason string) {
	s.last = fmt.Sprintf("%s: %s", p.Exe, reason)
	if s.typed != "" && p.PID == s.pid && s.command == "" {
		s.last = fmt.Sprintf("%s: %s", s.name(p.Exe), reason)
		s.command = s.last
	}
}

// name is what the user typed, with the executable where its name is another one,
// as that of a shell may be.
func (s *skipped) name(exe string) string {
	if filepath.Base(exe) == filepath.Base(s.typed) {
		return s.typed
	}
	return fmt.Sprintf("%s (%s)", s.typed, exe)
}

// runAdvice is what to run instead.
const runAdvice = "run a Go program that uses crypto/tls, or a command that starts one"

// String says it of COMMAND, and of what it came to run.
func (s *skipped) String() string {
	switch s.command {
	case "":
		return s.last
	case s.last:
		return s.command + "; " + runAdvice
	}
	return fmt.Sprintf("%s, and it ran %s; %s", s.command, s.last, runAdvice)
}
