package text

import (
	"time"

	"h2trace/export/scan"
)

// describeExchange says how a request ended.
func describeExchange(l *line, e *object) {
	status := e.get("status")
	switch {
	case !e.has("status"):
		l.before = append(l.before, "- "...)
		l.colour = yellow
	default:
		l.before = append(append(l.before, status...), ' ')
		l.colour = colourOf(status)
	}
	l.asked(e)
	b := append(l.after, ' ')
	if e.has("response_bytes") {
		b = append(appendSize(b, e.get("response_bytes")), ' ')
	}
	b = appendMillis(append(b, "in "...), e.get("total_ms"))
	b = appendLongest(b, e)
	if attempt := e.within("retry", "attempt"); attempt != nil {
		b = append(append(b, ", attempt "...), attempt...)
	}
	b = l.named(b, ", cache ", e.get("cache"))
	b = l.named(b, " to ", e.get("redirect"))
	if string(e.get("open")) == "true" {
		b = append(b, ", still open"...)
	}
	if e.has("error") {
		l.turns(red)
		b = l.named(b, ", ", e.within("error", "class"))
		b = l.named(b, ": ", e.within("error", "detail"))
	}
	l.after = b
}

func colourOf(status []byte) colour {
	switch status[0] {
	case '2':
		return green
	case '3', '4':
		return yellow
	case '5':
		return red
	}
	return plain
}

// phases are those of an exchange.
var phases = [...]string{"dns", "connect", "tls", "send", "wait", "receive"}

// appendLongest appends the longest phase, if it is more than half of the time.
func appendLongest(b []byte, e *object) []byte {
	total, ok := scan.Millis(e.get("total_ms"))
	if !ok {
		return b
	}
	var longest time.Duration
	name := ""
	for _, phase := range phases {
		if d, _ := scan.Millis(e.get(phase + "_ms")); d > longest {
			longest, name = d, phase
		}
	}
	if longest <= total/2 || name == "" {
		return b
	}
	b = appendDuration(append(append(append(b, ", "...), name...), ' '), longest)
	return b
}
