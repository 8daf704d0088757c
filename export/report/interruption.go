package report

import "fmt"

// signaled and the number of a signal is the status of what that ended.
const signaled = 128

// interrupting are the signals by which somebody ends a command.
var interrupting = map[int64]string{1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 9: "SIGKILL", 15: "SIGTERM"}

// interruptions are the runs that somebody ended.
type interruptions struct {
	runs    int
	command bool   // the last was of a command
	signal  string // by which the last was ended
	early   int    // the observing ended, as by --duration, and the command had not
	status  int64  // of its command, 0 unknown
}

// interruption returns the signal by which somebody ended a run, or "". A command may
// end by itself when it is sent one, with a status of its own.
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

// evidence says that runs were interrupted: what had not ended may have gone well.
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
