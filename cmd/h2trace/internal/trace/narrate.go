//go:build linux

package trace

import (
	"fmt"
	"strings"
	"time"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace/process"
	"h2trace/export"
)

// maxListed is how many processes a message names.
const maxListed = 4

// observing says what is observed from now on: running processes, and those that come
// to execute a given name.
func observing(running []process.Process, opts Options, now time.Time) string {
	what := listed(running)
	switch {
	case !opts.expectsOthers() && opts.NoFollow:
	case !opts.expectsOthers() && len(running) == 1:
		what += " and its children"
	case !opts.expectsOthers():
		what += ", and their children,"
	default:
		what = "what runs " + expected(opts)
		if !opts.NoFollow {
			what += ", and its children"
		}
		if len(running) > 0 {
			what += ", now " + listed(running) + ","
		} else {
			what += ", which nothing does yet,"
		}
	}
	s := fmt.Sprintf("observing %s since %s", what, now.UTC().Format("2006-01-02T15:04:05.000Z"))
	if opts.Duration > 0 {
		return s + fmt.Sprintf(", for %s", opts.Duration)
	}
	return s + "; Ctrl-C ends it"
}

// listed names processes, the first of many.
func listed(list []process.Process) string {
	var names []string
	for _, proc := range list[:min(len(list), maxListed)] {
		names = append(names, fmt.Sprintf("%s (%d)", proc.Comm, proc.PID))
	}
	if more := len(list) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return enumerate(names, "and")
}

// expected says which programs, or where, are those that come.
func expected(opts Options) string {
	where := "in cgroup " + alternatives(opts.Cgroups)
	switch {
	case len(opts.Cgroups) == 0:
		return alternatives(opts.Names)
	case len(opts.Names) == 0:
		return where
	}
	return alternatives(opts.Names) + ", or " + where
}

// alternatives joins names by "or".
func alternatives(names []string) string { return enumerate(names, "or") }

// enumerate joins words by commas and, before the last, by a conjunction.
func enumerate(words []string, conjunction string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}

// roots leaves out the processes whose parent is in the list, too.
func roots(list []process.Process) []process.Process {
	pids := make(map[int]bool)
	for _, proc := range list {
		pids[proc.PID] = true
	}
	var out []process.Process
	for _, proc := range list {
		if !pids[proc.PPID] {
			out = append(out, proc)
		}
	}
	return out
}

// saw sums up an observation in a line, with advice after a loss.
func saw(s *export.Summary) string {
	counts := []string{
		message.Count(s.Processes, "process", "processes"),
		message.Count(s.Conns, "connection", "connections"),
	}
	if s.Exchanges != nil {
		counts = append(counts, message.Count(*s.Exchanges, "exchange", "exchanges"))
	}
	counts = append(counts, message.Count(s.Frames, "frame", "frames"))
	if p := s.Packets; p != nil {
		counts = append(counts, message.Count(p.Written+p.Lost, "packet", "packets"))
	}
	text := fmt.Sprintf("saw %s in %.1f s; ", enumerate(counts, "and"), s.Duration.Seconds())
	if s.Records.Lost == 0 {
		if p := s.Packets; p != nil && p.Lost > 0 {
			return text + "lost no events"
		}
		return text + "lost nothing"
	}
	return text + fmt.Sprintf("%d of %d records were lost; see the loss events, or try a larger --buffer",
		s.Records.Lost, s.Records.Seen)
}
