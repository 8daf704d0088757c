package text

import (
	"time"

	"h2trace/export/scan"
)

// describeExchange says how a request ended.
func describeExchange(l *line, e *object) {
	if l.fact(must); e.has("status") {
		l.colour = colourOf(e.get("status"))
		l.raw(e.get("status")).say(" ")
	} else {
		l.colour = yellow
		l.say("- ")
	}
	l.asked(e)
	l.fact(must).say(" in ").millis(e.get("total_ms"))
	if e.is("open", "true") {
		l.say(", still open")
	}
	if e.has("error") {
		l.say(", ")
		l.failed(e)
	}
	if e.has("grpc_status") && !e.is("grpc_status", "0") {
		l.turns(red)
		l.fact(must).say(", grpc ").raw(e.get("grpc_status")).say(" ").long(must, middle).text(e.get("grpc_message"))
	}
	l.longest(e)
	for _, side := range [...]string{"recv_window", "send_window"} {
		if v := e.within("stall_ms", side); known(v) && string(v) != "0.000" {
			l.turns(yellow)
			l.fact(useful).say(", stalled ").millis(v).say(" by ").say(side)
		}
	}
	if e.has("response_bytes") {
		l.fact(useful).say(", ").size(e.get("response_bytes"))
	}
	if v := e.within("retry", "attempt"); known(v) {
		l.fact(useful).say(", attempt ").raw(v)
	}
	l.named(useful, ", retry after ", e.get("retry_after"))
	if e.is("authorized", "false") {
		l.fact(useful).say(", without credentials")
	}
	l.named(useful, " to ", e.get("redirect"))
	l.named(extra, ", cache ", e.get("cache"))
	l.named(extra, ", via ", e.get("via"))
	if e.has("silent_ms") {
		l.fact(useful).say(", nothing for ").millis(e.get("silent_ms"))
	}
}

func colourOf(status []byte) colour {
	switch status[0] {
	case '2':
		return green
	case '4':
		return yellow
	case '5':
		return red
	}
	return plain
}

// phases are those of an exchange.
var phases = [...]string{"dns", "connect", "tls", "send", "wait", "receive"}

// longest appends the longest phase, if it is more than half of the time.
func (l *line) longest(e *object) {
	total, ok := scan.Millis(e.get("total_ms"))
	if !ok {
		return
	}
	var longest time.Duration
	name := ""
	for _, phase := range phases {
		if d, _ := scan.Millis(e.get(phase + "_ms")); d > longest {
			longest, name = d, phase
		}
	}
	if longest > total/2 && name != "" {
		l.phase(e, name, useful)
	}
}
