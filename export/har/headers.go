package har

import (
	"net/http"
	"time"

	"h2trace/export"
	"h2trace/export/scan"
)

// fields are those of a header section that an entry has in other places, too.
type fields struct {
	contentType, encoding string
	cookies               []byte // as JSON
}

// headers takes a header section. Trailers, which have no pseudo field, go to those before.
func (s *stream) headers(section []byte, dir string, promised bool) {
	var m *message
	scan.Elements(section, func(element []byte) {
		var f field
		scan.Members(element, f.member)
		if m == nil {
			m = s.begins(f.name, dir, promised)
		}
		m.headers = f.append(m.headers)
		m.fields.take(scan.Bytes(f.name), f.value, m == &s.request)
	})
}

// field is a header field of an event, as written.
type field struct{ name, value, exactName, exactValue, neverIndexed []byte }

func (f *field) member(key, v []byte) {
	switch string(key) {
	case "name":
		f.name = v
	case "value":
		f.value = v
	case "name_b64":
		f.exactName = v
	case "value_b64":
		f.exactValue = v
	case "never_indexed":
		f.neverIndexed = v
	}
}

// begins returns the message of a header section with this first field. The pseudo field says
// which one begins (RFC 9113 §8.3).
func (s *stream) begins(name []byte, dir string, promised bool) *message {
	other := "send"
	if dir == other {
		other = "recv"
	}
	switch {
	case len(name) < 2 || name[1] != ':':
		return s.message(dir)
	case scan.Is(name, ":status"):
		s.sent, s.response.headers, s.response.fields = other, nil, fields{} // of an interim response
		return &s.response
	case promised: // the server sends it, and the response
		s.sent = other
	default:
		s.sent = dir
	}
	s.request.headers, s.request.fields = nil, fields{}
	return &s.request
}

// append appends a field as an entry has it.
func (f *field) append(b []byte) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = appendText(append(b, `{"name":`...), f.name)
	b = appendText(append(b, `,"value":`...), f.value)
	b = appendOwn(b, "name_b64", f.exactName)
	b = appendOwn(b, "value_b64", f.exactValue)
	b = appendOwn(b, "never_indexed", f.neverIndexed)
	return append(b, '}')
}

// appendText appends a string as an event has it, "" for all else.
func appendText(b, v []byte) []byte {
	if len(v) > 0 && v[0] == '"' && export.ValidValue(v) {
		return append(b, v...)
	}
	return export.AppendString(b, scan.Bytes(v))
}

// appendOwn appends a member of h2trace's own, unless it is null or no JSON.
func appendOwn(b []byte, key string, v []byte) []byte {
	if !scan.Known(v) || !export.ValidValue(v) {
		return b
	}
	b = append(append(append(b, `,"_`...), key...), `":`...)
	return append(b, v...)
}

// take takes a field.
func (f *fields) take(name, value []byte, request bool) {
	switch name := string(name); {
	case name == "content-type":
		f.contentType = scan.Text(value)
	case name == "content-encoding":
		f.encoding = scan.Text(value)
	case name == "cookie" && request:
		cookies, _ := http.ParseCookie(scan.Text(value)) // none are in what is redacted
		for _, c := range cookies {
			f.cookies = appendCookie(f.cookies, c)
		}
	case name == "set-cookie" && !request:
		if c, err := http.ParseSetCookie(scan.Text(value)); err == nil {
			f.cookies = appendCookie(f.cookies, c)
		}
	}
}

func appendCookie(b []byte, c *http.Cookie) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"name":`...)
	b = export.AppendString(b, c.Name)
	b = append(b, `,"value":`...)
	b = export.AppendString(b, c.Value)
	if c.Path != "" {
		b = export.AppendString(append(b, `,"path":`...), c.Path)
	}
	if c.Domain != "" {
		b = export.AppendString(append(b, `,"domain":`...), c.Domain)
	}
	if !c.Expires.IsZero() {
		b = export.AppendString(append(b, `,"expires":`...), c.Expires.UTC().Format(time.RFC3339))
	}
	if c.HttpOnly {
		b = append(b, `,"httpOnly":true`...)
	}
	if c.Secure {
		b = append(b, `,"secure":true`...)
	}
	return append(b, '}')
}
