package text

import (
	"bytes"
	"strconv"

	"h2trace/export/scan"
)

// describeFrame says what a frame carries.
func describeFrame(l *line, e *object) {
	l.verb = e.word("type")
	if e.has("violation") {
		l.turns(red)
		l.fact(must).say("violation: ").long(must, middle).text(e.get("violation"))
		l.fact(must).say(", ")
	}
	var window bool
	switch string(l.verb) {
	case "DATA":
		window = true
		l.bytes(e, "data_length")
	case "HEADERS", "PUSH_PROMISE", "CONTINUATION":
		l.headers(e)
		if e.has("promised_stream") {
			l.fact(must).say(", stream ").raw(e.get("promised_stream"))
		}
	case "SETTINGS":
		l.long(must, middle)
		scan.Members(e.get("settings"), func(key, value []byte) { l.say(" ").raw(key).say("=").raw(value) })
	case "PING":
		l.fact(must).text(e.get("opaque"))
	case "WINDOW_UPDATE":
		window = true
		l.fact(must).say("+").raw(e.get("increment"))
	case "RST_STREAM":
		l.turns(yellow)
		l.fact(must).text(e.get("error"))
	case "GOAWAY":
		if e.text("error") != "NO_ERROR" {
			l.turns(yellow)
		}
		l.fact(must).text(e.get("error")).say(", last stream ").raw(e.get("last_stream")).say(" ")
		l.long(must, middle).text(e.get("debug"))
	case "PRIORITY":
		l.fact(must).say("depends on ").raw(e.within("priority", "depends_on")).say(", weight ").raw(e.within("priority", "weight"))
	case "PRIORITY_UPDATE":
		l.fact(must).say("stream ").raw(e.get("prioritized_stream")).say(" ").long(must, middle).text(e.get("field_value"))
	case "ALTSVC":
		l.long(must, middle).text(e.get("origin")).say(" ").text(e.get("field_value"))
	case "ORIGIN":
		l.long(must, middle).list(e.get("origins"), " ")
	default:
		l.bytes(e, "length")
	}
	if bytes.Contains(e.get("flags"), []byte(`"END_STREAM"`)) {
		l.fact(must).say(" END_STREAM")
	}
	if e.is("ack", "true") {
		l.fact(must).say(" ACK")
	}
	if window {
		l.window(e)
	}
	if e.is("truncated", "true") {
		l.turns(yellow)
		l.fact(must).say(", truncated")
	}
	for _, body := range [...]string{"body", "body_b64"} {
		if e.has(body) {
			l.fact(useful).say(" ").long(useful, middle).text(e.get(body))
		}
	}
}

// bytes appends an exact number of bytes.
func (l *line) bytes(e *object, key string) {
	if e.has(key) {
		l.fact(must).raw(e.get(key)).say(" B")
	}
}

// window says how much of the window is left: of DATA, the one that it uses, of WINDOW_UPDATE
// the one that it widens, and of both of the stream and the connection the smaller one.
func (l *line) window(e *object) {
	side := "_recv"
	if scan.Is(e.get("dir"), "send") == (string(l.verb) == "DATA") {
		side = "_send"
	}
	var left int64
	ok := false
	scan.Members(e.get("window"), func(key, v []byte) {
		of, is := bytes.CutSuffix(key, []byte(side))
		if n, known := scan.Integer(v); is && known && (!ok || n < left) && (string(of) == "conn" || string(of) == "stream") {
			left, ok = n, true
		}
	})
	if !ok {
		return
	}
	if left <= 0 {
		l.turns(yellow)
	}
	l.fact(must).say(", window ").put(strconv.AppendInt(l.b, left, 10))
}

// headers appends the request line, or the status, or the result of a gRPC call, or how many
// fields there are.
func (l *line) headers(e *object) {
	if e.has("headers_error") {
		l.turns(yellow)
		l.fact(must).say("fields not known: ").long(must, middle).text(e.get("headers_error"))
		return
	}
	var method, scheme, authority, path, status, grpc []byte
	fields, pseudo, call := 0, true, bytes.Contains(e.get("headers"), []byte(`"grpc-status"`))
	scan.Elements(e.get("headers"), func(field []byte) {
		if fields++; !pseudo && !call && (method != nil || status != nil) {
			return // pseudo-header fields come first (RFC 9113 §8.3)
		}
		name, value := nameAndValue(field)
		switch string(name) {
		case `":method"`:
			method = value
		case `":scheme"`:
			scheme = value
		case `":authority"`:
			authority = value
		case `":path"`:
			path = value
		case `":status"`:
			status = value
		case `"grpc-status"`:
			grpc = value
		default:
			pseudo = bytes.HasPrefix(name, []byte(`":`))
		}
	})
	switch {
	case method != nil:
		l.fact(must).text(method).say(" ").long(must, inURL)
		if scheme != nil {
			l.text(scheme).say("://")
		}
		l.text(authority).text(path)
	case status != nil:
		l.fact(must).text(status)
		if len(status) > 1 && (status[1] == '4' || status[1] == '5') {
			l.turns(colourOf(status[1:]))
		}
	case fields > 0 && grpc == nil:
		l.fact(must).counted(strconv.AppendInt(nil, int64(fields), 10), " field", " fields")
	}
	if grpc != nil {
		if l.fact(must).say(", grpc-status ").text(grpc); scan.Text(grpc) != "0" {
			l.turns(red)
		}
	}
}

// nameAndValue returns those of a header field.
func nameAndValue(field []byte) (name, value []byte) {
	scan.Members(field, func(k, v []byte) {
		switch string(k) {
		case "name":
			name = v
		case "value":
			value = v
		}
	})
	return name, value
}

// appendDetails appends what is left out of the line of a frame, a line each, of at most limit
// columns if that is not 0.
func appendDetails(b []byte, e *object, limit int) []byte {
	if !scan.Is(e.get("event"), "frame") {
		return b
	}
	var l line
	add := func() {
		text := safe(l.b)
		if limit > 0 && columnsOf(text) > max(limit-tab, 1) {
			text = append(cut(text, max(limit-tab, 1)-1), ellipsis...)
		}
		b = append(append(b, "\n\t"...), text...)
		l.reset()
	}
	if flags := e.get("flags"); len(flags) > len("[]") {
		l.say("flags:").list(flags, " ")
		add()
	}
	scan.Members(e.get("settings"), func(key, value []byte) {
		l.raw(key).say("=").raw(value)
		add()
	})
	scan.Elements(e.get("headers"), func(field []byte) {
		l.field(field)
		add()
	})
	return b
}
