package text

import (
	"bytes"
	"strconv"

	"h2trace/export/scan"
)

// describeFrame says what a frame carries.
func describeFrame(l *line, e *scan.Object) {
	l.verb = e.Word("type")
	if e.Has("violation") {
		l.turns(red)
		l.fact(must).say("violation: ").long(must, middle).text(e.Get("violation"))
		l.fact(must).say(", ")
	}
	var window bool
	switch string(l.verb) {
	case "DATA":
		window = true
		l.bytes(e, "data_length")
	case "HEADERS", "PUSH_PROMISE", "CONTINUATION":
		l.headers(e)
		if e.Has("promised_stream") {
			l.fact(must).say(", stream ").raw(e.Get("promised_stream"))
		}
	case "SETTINGS":
		l.long(must, middle)
		scan.Members(e.Get("settings"), func(key, value []byte) { l.say(" ").raw(key).say("=").raw(value) })
	case "PING":
		l.fact(must).text(e.Get("opaque"))
	case "WINDOW_UPDATE":
		window = true
		l.fact(must).say("+").raw(e.Get("increment"))
	case "RST_STREAM":
		l.turns(yellow)
		l.fact(must).text(e.Get("error"))
	case "GOAWAY":
		if e.Text("error") != "NO_ERROR" {
			l.turns(yellow)
		}
		l.fact(must).text(e.Get("error")).say(", last stream ").raw(e.Get("last_stream")).say(" ")
		l.long(must, middle).text(e.Get("debug"))
	case "PRIORITY":
		l.fact(must).say("depends on ").raw(e.Within("priority", "depends_on")).say(", weight ").raw(e.Within("priority", "weight"))
	case "PRIORITY_UPDATE":
		l.fact(must).say("stream ").raw(e.Get("prioritized_stream")).say(" ").long(must, middle).text(e.Get("field_value"))
	case "ALTSVC":
		l.long(must, middle).text(e.Get("origin")).say(" ").text(e.Get("field_value"))
	case "ORIGIN":
		l.long(must, middle).list(e.Get("origins"), " ")
	default:
		l.bytes(e, "length")
	}
	if bytes.Contains(e.Get("flags"), []byte(`"END_STREAM"`)) {
		l.fact(must).say(" END_STREAM")
	}
	if e.Is("ack", "true") {
		l.fact(must).say(" ACK")
	}
	if window {
		l.window(e)
	}
	if e.Is("truncated", "true") {
		l.turns(yellow)
		l.fact(must).say(", truncated")
	}
	for _, body := range [...]string{"body", "body_b64"} {
		if e.Has(body) {
			l.fact(useful).say(" ").long(useful, middle).text(e.Get(body))
		}
	}
}

// bytes appends an exact number of bytes.
func (l *line) bytes(e *scan.Object, key string) {
	if e.Has(key) {
		l.fact(must).raw(e.Get(key)).say(" B")
	}
}

// window says how much of the window is left: of DATA, the one that it uses, of WINDOW_UPDATE
// the one that it widens, and of both of the stream and the connection the smaller one.
func (l *line) window(e *scan.Object) {
	side := "_recv"
	if scan.Is(e.Get("dir"), "send") == (string(l.verb) == "DATA") {
		side = "_send"
	}
	var left int64
	ok := false
	scan.Members(e.Get("window"), func(key, v []byte) {
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
func (l *line) headers(e *scan.Object) {
	if e.Has("headers_error") {
		l.turns(yellow)
		l.fact(must).say("fields not known: ").long(must, middle).text(e.Get("headers_error"))
		return
	}
	var method, scheme, authority, path, status, grpc []byte
	fields, pseudo, call := 0, true, bytes.Contains(e.Get("headers"), []byte(`"grpc-status"`))
	scan.Elements(e.Get("headers"), func(field []byte) {
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
func appendDetails(b []byte, e *scan.Object, limit int) []byte {
	if !scan.Is(e.Get("event"), "frame") {
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
	if flags := e.Get("flags"); len(flags) > len("[]") {
		l.say("flags:").list(flags, " ")
		add()
	}
	scan.Members(e.Get("settings"), func(key, value []byte) {
		l.raw(key).say("=").raw(value)
		add()
	})
	scan.Elements(e.Get("headers"), func(field []byte) {
		l.field(field)
		add()
	})
	return b
}
