package text

// describeConn says what became of a connection, or of a name.
func describeConn(l *line, e *object) {
	l.verb = e.word("action")
	switch string(l.verb) {
	case "open":
		l.opened(e)
	case "close":
		l.closed(e)
	case "dns":
		l.lookedUp(e)
	case "failed":
		l.fact(must).say("to ")
		l.peer(e, must)
		l.fact(must).say(": ")
		l.failed(e)
		for _, phase := range [...]string{"dns", "connect", "tls"} {
			l.phase(e, phase, must)
		}
		l.named(extra, ", from ", e.get("proxy"))
		l.named(useful, ", next is ", e.get("next"))
	case "resync":
		l.colour = yellow
		l.fact(must).text(e.get("dir")).say(": in step again after ").size(e.get("skipped_bytes"))
	case "silent":
		l.colour = yellow
		l.fact(must).text(e.get("state")).say(", no data for ").millis(e.get("silent_ms"))
		l.named(must, ", the last one ", e.get("last"))
		if e.has("other_way_ms") {
			l.fact(useful).say(", the other way for ").millis(e.get("other_way_ms"))
		}
		l.fact(must).say(": ")
		l.peer(e, must)
	}
	if e.has("reason") {
		l.turns(yellow)
		l.fact(must).say(", ").long(must, middle).text(e.get("reason"))
	}
}

// phase appends how long a phase took, if it is known and did take time.
func (l *line) phase(e *object, phase string, r rank) {
	if key := phase + "_ms"; e.has(key) && !e.is(key, "0.000") {
		l.fact(r).say(", ").say(phase).say(" ").millis(e.get(key))
	}
}

// peer appends who is at the other end.
func (l *line) peer(e *object, address rank) {
	name := e.get("name")
	if !known(name) {
		name = e.within("tls", "sni")
	}
	if known(name) {
		l.long(must, middle).text(name)
		l.named(address, " ", e.get("remote"))
	} else {
		l.fact(must).text(e.get("remote"))
	}
	if e.has("via") {
		l.fact(useful).say(" via ").text(e.get("via"))
	}
}

func (l *line) opened(e *object) {
	if l.fact(must); e.text("role") == "server" {
		l.say("from ")
	} else {
		l.say("to ")
	}
	l.peer(e, useful)
	for _, phase := range [...]string{"dns", "connect", "tls"} {
		l.phase(e, phase, useful)
	}
	l.named(useful, ", ", e.get("protocol"))
	l.named(extra, ", ", e.within("tls", "version"))
	if string(e.within("tls", "resumed")) == "true" {
		l.fact(extra).say(", resumed")
	}
	if e.text("joined") == "mid" {
		l.fact(useful).say(", open before")
	}
}

func (l *line) closed(e *object) {
	l.fact(must).size(e.get("bytes_sent")).say(" sent, ").size(e.get("bytes_received")).say(" received")
	if e.has("error") {
		l.fact(must).say(", ")
		l.failed(e)
	}
	if e.has("retransmits") && !e.is("retransmits", "0") {
		l.turns(yellow)
		l.fact(must).say(", ").counted(e.get("retransmits"), " segment sent again", " segments sent again")
	}
	if e.has("rtt_ms") {
		l.fact(useful).say(", round trip ").millis(e.get("rtt_ms"))
	}
	if e.has("name") {
		l.named(extra, ", ", e.get("name"))
	} else {
		l.named(extra, ", ", e.get("remote"))
	}
}

// lookedUp says what a name server answered.
func (l *line) lookedUp(e *object) {
	l.long(must, middle).text(e.get("name"))
	l.fact(must).say(" ").text(e.get("type")).say(":")
	switch code := e.text("rcode"); {
	case code == "":
		l.turns(red)
		l.say(" no answer")
	case code != "NOERROR":
		l.turns(red)
		l.say(" ").say(code)
	case e.is("answers", "[]"):
		l.say(" nothing")
	default:
		l.long(must, middle).list(e.get("answers"), " ")
	}
	if e.has("dns_ms") {
		l.fact(must).say(" in ").millis(e.get("dns_ms"))
	}
	l.named(extra, ", from ", e.get("remote"))
}
