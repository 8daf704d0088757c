package text

import "h2trace/export/scan"

// describeProcess says what a process did.
func describeProcess(l *line, e *scan.Object) {
	l.verb = e.Word("action")
	switch string(l.verb) {
	case "exec":
		l.long(must, middle).text(e.Get("exe"))
		l.list(e.Get("args"), " ")
	case "attached":
		l.long(must, middle).text(e.Get("exe"))
		l.named(useful, ", ", e.Get("go_version"))
		if e.Has("reason") {
			l.colour = yellow
			l.fact(must).say(": ").long(must, middle).text(e.Get("reason"))
		}
	case "skipped":
		l.colour = yellow
		l.long(must, middle).text(e.Get("exe"))
		l.fact(must).say(": ").long(must, middle).text(e.Get("reason"))
	case "exit":
		l.exit(e)
	case "error":
		if v := e.Within("module", "path"); scan.Known(v) {
			l.long(must, middle).text(v)
			l.named(must, "@", e.Within("module", "version"))
			l.fact(must).say(": ")
		}
		l.failed(e)
	case "lock":
		l.colour = yellow
		l.fact(must).say("waited ").millis(e.Get("wait_ms"))
		if e.Is("locked", "false") {
			l.say(" in vain")
		}
		l.say(" for ").long(must, middle).text(e.Get("path"))
	}
}

// exit says how a process ended.
func (l *line) exit(e *scan.Object) {
	if l.fact(must); !e.Has("exit_code") {
		l.say("status not known")
	} else if l.say("status ").raw(e.Get("exit_code")); !e.Is("exit_code", "0") {
		l.turns(red)
	}
	if e.Has("duration_ms") {
		l.fact(useful).say(" after ").millis(e.Get("duration_ms"))
	}
	if e.Has("cpu_ms") {
		l.fact(extra).say(", ").millis(e.Get("cpu_ms")).say(" CPU")
	}
}

// list appends the texts of an array, with a separator before each.
func (l *line) list(array []byte, separator string) {
	scan.Elements(array, func(v []byte) { l.say(separator).text(v) })
}
