package text

import "h2trace/export/scan"

// describeProcess says what a process did.
func describeProcess(l *line, e *object) {
	l.verb = e.text("action")
	switch l.verb {
	case "exec":
		l.long = appendText(l.long, e.get("exe"))
		l.long = appendList(l.long, e.get("args"), " ")
	case "attached":
		l.long = appendText(l.long, e.get("exe"))
		l.after = l.named(l.after, ", ", e.get("go_version"))
		if e.has("reason") {
			l.colour = yellow
			l.after = l.named(l.after, ": ", e.get("reason"))
		}
	case "skipped":
		l.colour = yellow
		l.before = append(appendText(l.before, e.get("exe")), ": "...)
		l.long = appendText(l.long, e.get("reason"))
	case "exit":
		l.exit(e)
	case "error":
		if v := e.within("module", "path"); len(v) > 0 && v[0] == '"' {
			l.before = appendText(l.before, v)
			l.before = l.named(l.before, "@", e.within("module", "version"))
			l.before = append(l.before, ": "...)
		}
		l.failed(e)
	case "lock":
		l.colour = yellow
		l.long = appendText(l.long, e.get("path"))
		l.after = appendMillis(append(l.after, ", waited "...), e.get("wait_ms"))
		if string(e.get("locked")) == "false" {
			l.after = append(l.after, " in vain"...)
		}
	}
}

// exit says how a process ended.
func (l *line) exit(e *object) {
	switch code := e.get("exit_code"); {
	case !e.has("exit_code"):
		l.before = append(l.before, "status not known"...)
	default:
		if string(code) != "0" {
			l.turns(red)
		}
		l.before = append(append(l.before, "status "...), code...)
	}
	if e.has("duration_ms") {
		l.before = appendMillis(append(l.before, " after "...), e.get("duration_ms"))
	}
	if e.has("cpu_ms") {
		l.before = append(appendMillis(append(l.before, ", "...), e.get("cpu_ms")), " CPU"...)
	}
}

// appendList appends the texts of an array, with a separator before each.
func appendList(b, array []byte, separator string) []byte {
	scan.Elements(array, func(v []byte) {
		b = appendText(append(b, separator...), v)
	})
	return b
}
