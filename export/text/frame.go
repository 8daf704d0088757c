package text

import (
	"bytes"

	"h2trace/export/scan"
)

// describeFrame says what a frame carries.
func describeFrame(l *line, e *object) {
	l.verb = e.text("type")
	var window bool
	switch l.verb {
	case "DATA":
		window = true
		l.bytes(e, "data_length")
		if e.has("body") {
			l.long = appendText(append(l.long, ' '), e.get("body"))
		} else if e.has("body_b64") {
			l.long = append(appendText(append(l.long, ' '), e.get("body_b64")), " (base64)"...)
		}
	case "HEADERS", "PUSH_PROMISE", "CONTINUATION":
		l.headers(e)
	case "SETTINGS":
		scan.Members(e.get("settings"), func(key, value []byte) {
			l.long = append(append(append(append(l.long, ' '), key...), '='), value...)
		})
		l.long = bytes.TrimLeft(l.long, " ")
		l.acknowledges(e)
	case "PING":
		l.before = appendText(l.before, e.get("opaque"))
		l.acknowledges(e)
	case "WINDOW_UPDATE":
		window = true
		l.before = append(append(l.before, '+'), e.get("increment")...)
	case "RST_STREAM":
		l.turns(yellow)
		l.before = appendText(l.before, e.get("error"))
	case "GOAWAY":
		l.turns(yellow)
		l.before = append(append(append(appendText(l.before, e.get("error")), ", last stream "...), e.get("last_stream")...), ' ')
		l.long = appendText(l.long, e.get("debug"))
	default:
		l.bytes(e, "length")
	}
	if bytes.Contains(e.get("flags"), []byte(`"END_STREAM"`)) {
		l.after = append(l.after, " END_STREAM"...)
	}
	if window {
		l.window(e)
	}
	if string(e.get("truncated")) == "true" {
		l.turns(yellow)
		l.after = append(l.after, ", truncated"...)
	}
	if e.has("violation") {
		l.turns(red)
		l.after = l.named(l.after, ", violation: ", e.get("violation"))
	}
}

// bytes appends an exact number of bytes.
func (l *line) bytes(e *object, key string) {
	if e.has(key) {
		l.before = append(append(l.before, e.get(key)...), " B"...)
	}
}

func (l *line) acknowledges(e *object) {
	if string(e.get("ack")) == "true" {
		l.after = append(l.after, " ACK"...)
	}
}

// window says how much of the window is left: of DATA, the one that it uses, of WINDOW_UPDATE
// the one that it widens, and of both of the stream and the connection the smaller one.
func (l *line) window(e *object) {
	side := "_recv"
	if (e.text("dir") == "send") == (l.verb == "DATA") {
		side = "_send"
	}
	left, ok := scan.Integer(e.within("window", "conn"+side))
	if stream, known := scan.Integer(e.within("window", "stream"+side)); known && (!ok || stream < left) {
		left, ok = stream, true
	}
	if !ok {
		return
	}
	if left <= 0 {
		l.turns(yellow)
	}
	l.after = appendInt(append(l.after, ", window "...), left)
}

// headers appends the request line, or the status, or how many fields there are.
func (l *line) headers(e *object) {
	if e.has("headers_error") {
		l.turns(yellow)
		l.long = appendText(append(l.long, "fields not known: "...), e.get("headers_error"))
		return
	}
	var method, scheme, authority, path, status []byte
	fields := 0
	scan.Elements(e.get("headers"), func(field []byte) {
		if fields++; !bytes.HasPrefix(field, []byte(`{"name":":`)) {
			return // no pseudo-header field (RFC 9113 §8.3)
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
		}
	})
	switch {
	case method != nil:
		l.before = append(appendText(l.before, method), ' ')
		if scheme != nil {
			l.long = append(appendText(l.long, scheme), "://"...)
		}
		l.long, l.tail = appendText(appendText(l.long, authority), path), true
	case status != nil:
		l.before = appendText(l.before, status)
		if len(status) > 1 && (status[1] == '4' || status[1] == '5') {
			l.turns(colourOf(status[1:]))
		}
	case fields > 0:
		l.before = counted(l.before, appendInt(nil, int64(fields)), " field", " fields")
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

// appendDetails appends what is left out of the line of a frame, a line each.
func (f *Formatter) appendDetails(b []byte, e *object) []byte {
	if !scan.Is(e.get("event"), "frame") {
		return b
	}
	if flags := e.get("flags"); len(flags) > len("[]") {
		b = append(append(b, "\n\tflags:"...), safe(appendList(nil, flags, " "))...)
	}
	scan.Elements(e.get("headers"), func(field []byte) {
		b = append(append(b, "\n\t"...), safe(appendField(nil, field))...)
	})
	return b
}
