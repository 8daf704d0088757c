package text

import "h2trace/export/scan"

// describeProcess says what a process did.
func describeProcess(l *line, e *object) {
	l.verb = e.word("action")
	switch string(l.verb) {
	case "exec":
		l.long(must, middle).text(e.get("exe"))
		l.list(e.get("args"), " ")
	case "attached":
		l.long(must, middle).text(e.get("exe"))
		l.named(useful, ", ", e.get("go_version"))
		if e.has("reason") {
			l.colour = yellow
			l.fact(must).say(": ").long(must, middle).text(e.get("reason"))
		}
	case "skipped":
		l.colour = yellow
		l.long(must, middle).text(e.get("exe"))
		l.fact(must).say(": ").long(must, middle).text(e.get("reason"))
	case "exit":
		l.exit(e)
	case "error":
		if v := e.within("module", "path"); known(v) {
			l.long(must, middle).text(v)
			l.named(must, "@", e.within("module", "version"))
			l.fact(must).say(": ")
		}
		l.failed(e)
	case "lock":
		l.colour = yellow
		l.fact(must).say("waited ").millis(e.get("wait_ms"))
		if e.is("locked", "false") {
			l.say(" in vain")
		}
		l.say(" for ").long(must, middle).text(e.get("path"))
	}
}

// exit says how a process ended.
func (l *line) exit(e *object) {
	if l.fact(must); !e.has("exit_code") {
		l.say("status not known")
	} else if l.say("status ").raw(e.get("exit_code")); !e.is("exit_code", "0") {
		l.turns(red)
	}
	if e.has("duration_ms") {
		l.fact(useful).say(" after ").millis(e.get("duration_ms"))
	}
	if e.has("cpu_ms") {
		l.fact(extra).say(", ").millis(e.get("cpu_ms")).say(" CPU")
	}
}

// list appends the texts of an array, with a separator before each.
func (l *line) list(array []byte, separator string) {
	scan.Elements(array, func(v []byte) { l.say(separator).text(v) })
}
