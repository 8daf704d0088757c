package text

import "h2trace/export/scan"

// describeConn says what became of a connection, or of a name.
func describeConn(l *line, e *scan.Object) {
	l.verb = e.Word("action")
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
		l.named(extra, ", from ", e.Get("proxy"))
		l.named(useful, ", next is ", e.Get("next"))
	case "resync":
		l.colour = yellow
		l.fact(must).text(e.Get("dir")).say(": in step again after ").size(e.Get("skipped_bytes"))
	case "flood":
		l.colour = yellow
		l.fact(must).say("too many frames that carry nothing: counted from now on, not decoded")
	case "counted":
		l.colour = yellow
		l.flooded(e)
	case "silent":
		l.colour = yellow
		l.fact(must).text(e.Get("state")).say(", no data for ").millis(e.Get("silent_ms"))
		l.named(must, ", the last one ", e.Get("last"))
		if e.Has("other_way_ms") {
			l.fact(useful).say(", the other way for ").millis(e.Get("other_way_ms"))
		}
		l.fact(must).say(": ")
		l.peer(e, must)
	}
	if e.Has("reason") {
		l.turns(yellow)
		l.fact(must).say(", ").long(must, middle).text(e.Get("reason"))
	}
}

// flooded appends what a flood was made of.
func (l *line) flooded(e *scan.Object) {
	sep := ""
	scan.Elements(e.Get("counted"), func(v []byte) {
		l.fact(must).say(sep).raw(scan.Member(v, "frames"))
		l.say(" ").text(scan.Member(v, "type")).say(" ").text(scan.Member(v, "dir"))
		l.fact(useful).say(" of ").size(scan.Member(v, "bytes"))
		sep = ", "
	})
	l.fact(must).say(" in ").millis(e.Get("flood_ms"))
}

// phase appends how long a phase took, if it is known and did take time.
func (l *line) phase(e *scan.Object, phase string, r rank) {
	if key := phase + "_ms"; e.Has(key) && !e.Is(key, "0.000") {
		l.fact(r).say(", ").say(phase).say(" ").millis(e.Get(key))
	}
}

// peer appends who is at the other end.
func (l *line) peer(e *scan.Object, address rank) {
	name := e.Get("name")
	if !scan.Known(name) {
		name = e.Within("tls", "sni")
	}
	if scan.Known(name) {
		l.long(must, middle).text(name)
		l.named(address, " ", e.Get("remote"))
	} else {
		l.fact(must).text(e.Get("remote"))
	}
	if e.Has("via") {
		l.fact(useful).say(" via ").text(e.Get("via"))
	}
}

func (l *line) opened(e *scan.Object) {
	if l.fact(must); e.Text("role") == "server" {
		l.say("from ")
	} else {
		l.say("to ")
	}
	l.peer(e, useful)
	for _, phase := range [...]string{"dns", "connect", "tls"} {
		l.phase(e, phase, useful)
	}
	l.named(useful, ", ", e.Get("protocol"))
	l.named(extra, ", ", e.Within("tls", "version"))
	if string(e.Within("tls", "resumed")) == "true" {
		l.fact(extra).say(", resumed")
	}
	if e.Text("joined") == "mid" {
		l.fact(useful).say(", open before")
	}
}

func (l *line) closed(e *scan.Object) {
	l.fact(must).size(e.Get("bytes_sent")).say(" sent, ").size(e.Get("bytes_received")).say(" received")
	if e.Has("error") {
		l.fact(must).say(", ")
		l.failed(e)
	}
	if e.Has("retransmits") && !e.Is("retransmits", "0") {
		l.turns(yellow)
		l.fact(must).say(", ").counted(e.Get("retransmits"), " segment sent again", " segments sent again")
	}
	if e.Has("rtt_ms") {
		l.fact(useful).say(", round trip ").millis(e.Get("rtt_ms"))
	}
	if e.Has("name") {
		l.named(extra, ", ", e.Get("name"))
	} else {
		l.named(extra, ", ", e.Get("remote"))
	}
}

// lookedUp says what a name server answered.
func (l *line) lookedUp(e *scan.Object) {
	l.long(must, middle).text(e.Get("name"))
	l.fact(must).say(" ").text(e.Get("type")).say(":")
	switch code := e.Text("rcode"); {
	case code == "":
		l.turns(red)
		l.say(" no answer")
	case code != "NOERROR":
		l.turns(red)
		l.say(" ").say(code)
	case e.Is("answers", "[]"):
		l.say(" nothing")
	default:
		l.long(must, middle).list(e.Get("answers"), " ")
	}
	if e.Has("dns_ms") {
		l.fact(must).say(" in ").millis(e.Get("dns_ms"))
	}
	l.named(extra, ", from ", e.Get("remote"))
}
