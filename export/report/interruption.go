package report

import "fmt"

// signaled plus the number of a signal is the status of a process that it ended.
const signaled = 128

// interrupting holds the signals with which users end a command.
var interrupting = map[int64]string{1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 9: "SIGKILL", 15: "SIGTERM"}

// interruptions counts the interrupted runs.
type interruptions struct {
	runs    int
	command bool   // the last was of a command
	signal  string // by which the last was ended
	early   int    // the observation ended before the command, as by --duration
	status  int64  // of its command, 0 unknown
}

// interruption returns the signal that ended a run, or "". A command that handles the signal
// ends with a status of its own.
func (l *life) interruption() string {
	if s := interrupting[l.status-signaled]; s != "" && l.outcome == failed {
		return s
	}
	if l.attached || l.outcome != succeeded {
		return l.signal
	}
	return ""
}

func (i *interruptions) add(l *life) {
	if l.outlived && l.signal == "" {
		i.early++
	}
	if s := l.interruption(); s != "" {
		i.runs++
		i.command, i.signal, i.status = !l.attached, s, l.status
	}
}

// evidence says that runs were interrupted, so that unfinished requests may have
// succeeded.
func (i *interruptions) evidence(runs int) []string {
	switch {
	case i.runs == 0 && i.early == 0:
		return nil
	case i.runs == 0 && runs > 1:
		return []string{fmt.Sprintf("the observing ended before the command in %d of %d runs", i.early, runs)}
	case i.runs == 0:
		return []string{"the observing ended before the command"}
	case runs > 1:
		return []string{fmt.Sprintf("%d of %d runs were interrupted (%s)", i.runs, runs, i.signal)}
	case i.command && i.status != 0:
		return []string{fmt.Sprintf("the command was interrupted (%s, exit status %d)", i.signal, i.status)}
	case i.command:
		return []string{fmt.Sprintf("the command was interrupted (%s)", i.signal)}
	}
	return []string{fmt.Sprintf("the observing was ended by %s", i.signal)}
}
