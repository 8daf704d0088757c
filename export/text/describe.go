package text

import "h2trace/export/scan"

// describe says what happened.
func describe(l *line, e *scan.Object) {
	kind := e.Word("event")
	l.verb = kind // all that is said of a kind of a later h2trace
	switch string(kind) {
	case "process":
		describeProcess(l, e)
	case "conn":
		describeConn(l, e)
	case "frame":
		describeFrame(l, e)
	case "request":
		l.colour = faint
		l.asked(e)
	case "exchange":
		describeExchange(l, e)
	case "stall":
		l.colour = yellow
		l.fact(must).text(e.Get("side")).say(" used up for ").millis(e.Get("stall_ms"))
		l.fact(useful).say(", ").size(e.Get("window"))
		l.named(useful, ", until ", e.Get("ended_by"))
	case "verify":
		l.colour = red
		l.fact(must).say("want ").long(must, middle)
		l.field(e.Get("want"))
		l.fact(must).say(", got ").long(must, middle)
		l.field(e.Get("got"))
	case "loss":
		l.colour = red
		if l.fact(must); e.Has("records") {
			l.counted(e.Get("records"), " record lost, ", " records lost, ")
		}
		l.text(e.Get("reason"))
		if e.Has("bytes") {
			l.fact(useful).say(", ").size(e.Get("bytes"))
		}
	case "summary":
		describeSummary(l, e)
	}
}

// named appends a text with words before it, unless it is null.
func (l *line) named(r rank, words string, v []byte) {
	if len(v) > 0 && v[0] == '"' {
		l.fact(r).say(words).text(v)
	}
}

// asked appends the method and the URL of a request.
func (l *line) asked(e *scan.Object) {
	if e.Has("method") {
		l.fact(must).text(e.Get("method")).say(" ")
	}
	if !e.Has("url") {
		l.fact(must).say("a request that was not seen")
		return
	}
	l.long(must, inURL).text(e.Get("url"))
}

// failed appends the class and detail of an error.
func (l *line) failed(e *scan.Object) {
	l.turns(red)
	l.fact(must).text(e.Within("error", "class"))
	if detail := e.Within("error", "detail"); scan.Known(detail) {
		l.say(": ").long(must, middle).text(detail)
	}
}

// field appends a header field.
func (l *line) field(field []byte) {
	name, value := nameAndValue(field)
	if name == nil {
		l.say("none")
		return
	}
	l.text(name).say(": ").text(value)
}

// describeSummary says what was seen and lost.
func describeSummary(l *line, e *scan.Object) {
	lost := e.Within("records", "lost")
	if l.fact(must).raw(lost).say(" of ").raw(e.Within("records", "seen")).say(" records lost"); string(lost) != "0" {
		l.turns(red)
	}
	for _, of := range [...]struct{ key, words string }{{"mismatches", "not equal"}, {"unchecked", "not checked"}} {
		if n := e.Within("verify", of.key); scan.Known(n) && string(n) != "0" {
			l.turns(red)
			l.fact(must).say(", ").counted(n, " header block was ", " header blocks were ").say(of.words)
		}
	}
	if n := e.Within("packets", "lost"); scan.Known(n) && string(n) != "0" {
		l.turns(red)
		l.fact(must).say(", ").counted(n, " packet", " packets").say(" not written")
	}
	for _, what := range [...]struct{ key, one, more string }{
		{"processes", " process", " processes"},
		{"conns", " connection", " connections"},
		{"frames", " frame", " frames"},
		{"exchanges", " exchange", " exchanges"},
	} {
		if e.Has(what.key) {
			l.fact(useful).say(", ").counted(e.Get(what.key), what.one, what.more)
		}
	}
	l.fact(extra).say(", ")
	if cpu := e.Within("agent", "cpu_ms"); scan.Known(cpu) {
		l.millis(cpu).say(" CPU ")
	}
	l.say("in ").millis(e.Get("duration_ms"))
	l.named(useful, ", ended by ", e.Get("signal"))
}
