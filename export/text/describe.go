package text

// describe says what happened.
func (f *Formatter) describe(l *line, e *object) {
	kind := e.text("event")
	l.verb = kind // all that is said of a kind of a later h2trace
	switch kind {
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
		l.before = append(appendText(l.before, e.get("side")), " of "...)
		l.before = append(appendSize(l.before, e.get("window")), " used up for "...)
		l.before = appendMillis(l.before, e.get("stall_ms"))
		l.after = l.named(l.after, ", until ", e.get("ended_by"))
	case "verify":
		l.colour = red
		l.long = append(l.long, "want "...)
		l.long = appendField(l.long, e.get("want"))
		l.long = append(l.long, ", got "...)
		l.long = appendField(l.long, e.get("got"))
	case "loss":
		l.colour = red
		l.before = append(appendText(l.before, e.get("reason")), ": "...)
		l.before = counted(l.before, e.get("records"), " record lost, ", " records lost, ")
		l.before = appendSize(l.before, e.get("bytes"))
	case "summary":
		describeSummary(l, e)
	}
}

// counted appends a number, and the words after it: of one, or of more.
func counted(b, n []byte, one, more string) []byte {
	if b = append(b, n...); string(n) == "1" {
		return append(b, one...)
	}
	return append(b, more...)
}

// named appends a text with words before it, unless it is null.
func (l *line) named(b []byte, words string, v []byte) []byte {
	if len(v) == 0 || v[0] != '"' {
		return b
	}
	return appendText(append(b, words...), v)
}

// asked appends the method and the URL of a request.
func (l *line) asked(e *object) {
	if e.has("method") {
		l.before = append(appendText(l.before, e.get("method")), ' ')
	}
	if !e.has("url") {
		l.long = append(l.long, "a request that was not seen"...)
		return
	}
	l.tail = true
	l.long = appendText(l.long, e.get("url"))
}

// failed appends the class and detail of an error.
func (l *line) failed(e *object) {
	l.turns(red)
	l.long = appendText(l.long, e.within("error", "class"))
	if detail := e.within("error", "detail"); detail != nil {
		l.long = appendText(append(l.long, ": "...), detail)
	}
}

// appendField appends a header field.
func appendField(b, field []byte) []byte {
	name, value := nameAndValue(field)
	if name == nil {
		return append(b, "none"...)
	}
	return appendText(append(appendText(b, name), ": "...), value)
}

// describeSummary says what was seen and lost.
func describeSummary(l *line, e *object) {
	b := l.before
	for _, what := range [...]struct{ key, one, more string }{
		{"processes", " process, ", " processes, "},
		{"conns", " connection, ", " connections, "},
		{"frames", " frame, ", " frames, "},
		{"exchanges", " exchange, ", " exchanges, "},
	} {
		if !e.has(what.key) {
			continue
		}
		b = counted(b, e.get(what.key), what.one, what.more)
	}
	lost := e.within("records", "lost")
	b = append(append(b, lost...), " of "...)
	b = append(append(b, e.within("records", "seen")...), " records lost, "...)
	b = append(appendMillis(b, e.within("agent", "cpu_ms")), " CPU in "...)
	l.before = appendMillis(b, e.get("duration_ms"))
	if string(lost) != "0" {
		l.turns(red)
	}
	l.after = l.named(l.after, ", ended by ", e.get("signal"))
}
