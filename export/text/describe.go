package text

// describe says what happened.
func describe(l *line, e *object) {
	kind := e.word("event")
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
		l.fact(must).text(e.get("side")).say(" used up for ").millis(e.get("stall_ms"))
		l.fact(useful).say(", ").size(e.get("window"))
		l.named(useful, ", until ", e.get("ended_by"))
	case "verify":
		l.colour = red
		l.fact(must).say("want ").long(must, middle)
		l.field(e.get("want"))
		l.fact(must).say(", got ").long(must, middle)
		l.field(e.get("got"))
	case "loss":
		l.colour = red
		if l.fact(must); e.has("records") {
			l.counted(e.get("records"), " record lost, ", " records lost, ")
		}
		l.text(e.get("reason"))
		if e.has("bytes") {
			l.fact(useful).say(", ").size(e.get("bytes"))
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
func (l *line) asked(e *object) {
	if e.has("method") {
		l.fact(must).text(e.get("method")).say(" ")
	}
	if !e.has("url") {
		l.fact(must).say("a request that was not seen")
		return
	}
	l.long(must, inURL).text(e.get("url"))
}

// failed appends the class and detail of an error.
func (l *line) failed(e *object) {
	l.turns(red)
	l.fact(must).text(e.within("error", "class"))
	if detail := e.within("error", "detail"); known(detail) {
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
func describeSummary(l *line, e *object) {
	lost := e.within("records", "lost")
	if l.fact(must).raw(lost).say(" of ").raw(e.within("records", "seen")).say(" records lost"); string(lost) != "0" {
		l.turns(red)
	}
	for _, of := range [...]struct{ key, words string }{{"mismatches", "not equal"}, {"unchecked", "not checked"}} {
		if n := e.within("verify", of.key); known(n) && string(n) != "0" {
			l.turns(red)
			l.fact(must).say(", ").counted(n, " header block was ", " header blocks were ").say(of.words)
		}
	}
	for _, what := range [...]struct{ key, one, more string }{
		{"processes", " process", " processes"},
		{"conns", " connection", " connections"},
		{"frames", " frame", " frames"},
		{"exchanges", " exchange", " exchanges"},
	} {
		if e.has(what.key) {
			l.fact(useful).say(", ").counted(e.get(what.key), what.one, what.more)
		}
	}
	l.fact(extra).say(", ")
	if cpu := e.within("agent", "cpu_ms"); known(cpu) {
		l.millis(cpu).say(" CPU ")
	}
	l.say("in ").millis(e.get("duration_ms"))
	l.named(useful, ", ended by ", e.get("signal"))
}
