package text

import (
	"time"

	"h2trace/export/scan"
)

// describeExchange says how a request ended.
func describeExchange(l *line, e *scan.Object) {
	if l.fact(must); e.Has("status") {
		l.colour = colourOf(e.Get("status"))
		l.raw(e.Get("status")).say(" ")
	} else {
		l.colour = yellow
		l.say("- ")
	}
	l.asked(e)
	l.fact(must).say(" in ").millis(e.Get("total_ms"))
	if e.Is("open", "true") {
		l.say(", still open")
	}
	if e.Has("error") {
		l.say(", ")
		l.failed(e)
	}
	if e.Has("grpc_status") && !e.Is("grpc_status", "0") {
		l.turns(red)
		l.fact(must).say(", grpc ").raw(e.Get("grpc_status")).say(" ").long(must, middle).text(e.Get("grpc_message"))
	}
	l.longest(e)
	for _, side := range [...]string{"recv_window", "send_window"} {
		if v := e.Within("stall_ms", side); scan.Known(v) && string(v) != "0.000" {
			l.turns(yellow)
			l.fact(useful).say(", stalled ").millis(v).say(" by ").say(side)
		}
	}
	if e.Has("response_bytes") {
		l.fact(useful).say(", ").size(e.Get("response_bytes"))
	}
	if v := e.Within("retry", "attempt"); scan.Known(v) {
		l.fact(useful).say(", attempt ").raw(v)
	}
	l.named(useful, ", retry after ", e.Get("retry_after"))
	if e.Is("authorized", "false") {
		l.fact(useful).say(", without credentials")
	}
	l.named(useful, " to ", e.Get("redirect"))
	l.named(extra, ", cache ", e.Get("cache"))
	l.named(extra, ", via ", e.Get("via"))
	if e.Has("silent_ms") {
		l.fact(useful).say(", nothing for ").millis(e.Get("silent_ms"))
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
func (l *line) longest(e *scan.Object) {
	total, ok := scan.Millis(e.Get("total_ms"))
	if !ok {
		return
	}
	var longest time.Duration
	name := ""
	for _, phase := range phases {
		if d, _ := scan.Millis(e.Get(phase + "_ms")); d > longest {
			longest, name = d, phase
		}
	}
	if longest > total/2 && name != "" {
		l.phase(e, name, useful)
	}
}
