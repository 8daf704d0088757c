package text

// describeConn says what became of a connection, or of a name.
func describeConn(l *line, e *object) {
	l.verb = e.text("action")
	switch l.verb {
	case "open":
		l.opened(e)
	case "close":
		l.closed(e)
	case "dns":
		l.lookedUp(e)
	case "failed":
		l.peer(e)
		l.after = l.named(l.after, ", ", e.get("type"))
		l.before = append(l.before, "to "...)
		l.long = append(l.long, ": "...)
		l.failed(e)
	case "resync":
		l.colour = yellow
		l.before = append(appendText(l.before, e.get("dir")), ": in step again after "...)
		l.before = appendSize(l.before, e.get("skipped_bytes"))
	case "silent":
		l.colour = yellow
		l.peer(e)
		l.before = append(append(appendText(l.before, e.get("state")), ", no data for "...), appendMillis(nil, e.get("silent_ms"))...)
		l.before = append(l.before, ": "...)
	}
	if e.has("reason") {
		l.turns(yellow)
		l.after = l.named(l.after, ", ", e.get("reason"))
	}
}

// peer appends who is at the other end.
func (l *line) peer(e *object) {
	if e.has("name") {
		l.long = appendText(l.long, e.get("name"))
		l.long = l.named(l.long, " ", e.get("remote"))
	} else {
		l.long = appendText(l.long, e.get("remote"))
	}
	l.long = l.named(l.long, " via ", e.get("via"))
}

func (l *line) opened(e *object) {
	switch e.text("role") {
	case "server":
		l.before = append(l.before, "from "...)
	case "client":
		l.before = append(l.before, "to "...)
	}
	l.peer(e)
	b := l.named(l.after, ", ", e.get("protocol"))
	b = l.named(b, ", ", e.within("tls", "version"))
	for _, phase := range [...]string{"dns", "connect", "tls"} {
		if key := phase + "_ms"; e.has(key) {
			b = appendMillis(append(append(append(b, ", "...), phase...), ' '), e.get(key))
		}
	}
	if e.text("joined") == "mid" {
		b = append(b, ", open before"...)
	}
	l.after = b
}

func (l *line) closed(e *object) {
	b := append(appendSize(l.before, e.get("bytes_sent")), " sent, "...)
	b = append(appendSize(b, e.get("bytes_received")), " received"...)
	if e.has("rtt_ms") {
		b = appendMillis(append(b, ", round trip "...), e.get("rtt_ms"))
	}
	if n := e.get("retransmits"); e.has("retransmits") && string(n) != "0" {
		l.turns(yellow)
		b = counted(append(b, ", "...), n, " segment sent again", " segments sent again")
	}
	l.before = b
	if e.has("error") {
		l.before = append(l.before, ": "...)
		l.failed(e)
	}
}

// lookedUp says what a name server answered.
func (l *line) lookedUp(e *object) {
	l.before = append(appendText(l.before, e.get("name")), ' ')
	l.before = append(appendText(l.before, e.get("type")), ':')
	switch code := e.text("rcode"); {
	case code == "":
		l.turns(red)
		l.long = append(l.long, " no answer"...)
	case code != "NOERROR":
		l.turns(red)
		l.long = appendText(append(l.long, ' '), e.get("rcode"))
	default:
		l.long = appendList(l.long, e.get("answers"), " ")
		if len(l.long) == 0 {
			l.long = append(l.long, " nothing"...)
		}
	}
	l.after = l.named(l.after, ", from ", e.get("remote"))
	if e.has("dns_ms") {
		l.after = appendMillis(append(l.after, " in "...), e.get("dns_ms"))
	}
}
