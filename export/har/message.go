package har

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"h2trace/export"
)

// appendRequest appends the request of an entry.
func (x *entry) appendRequest(b []byte) []byte {
	m := &x.stream.request
	b = export.AppendString(append(b, `{"method":`...), x.method)
	address := uri(x.url)
	b = export.AppendString(append(b, `,"url":`...), address)
	b = x.appendCommon(b, m)
	b = appendQuery(append(b, `,"queryString":[`...), address)
	b = append(b, ']')
	if len(m.body) > 0 {
		b = export.AppendString(append(b, `,"postData":{"mimeType":`...), m.fields.contentType)
		b = append(b, `,"params":[]`...)
		b = append(m.appendBody(b, "_encoding", x.requestBytes), '}')
	}
	b = appendInt(b, `,"headersSize":-1,"bodySize":`, x.requestBytes)
	if address != x.url {
		b = export.AppendString(append(b, `,"_url":`...), x.url)
	}
	return append(b, '}')
}

// appendResponse appends the response of an entry. One that did not begin has the status 0.
func (x *entry) appendResponse(b []byte) []byte {
	m := &x.stream.response
	b = append(appendInt(b, `{"status":`, x.status), `,"statusText":""`...)
	b = x.appendCommon(b, m)
	size := x.responseBytes
	if m.fields.encoding != "" && !strings.EqualFold(m.fields.encoding, "identity") && size > 0 {
		size = -1 // of what is encoded, and that is not decoded here
	}
	b = appendInt(b, `,"content":{"size":`, size)
	b = export.AppendString(append(b, `,"mimeType":`...), m.fields.contentType)
	if len(m.body) > 0 {
		b = m.appendBody(b, "encoding", x.responseBytes)
	}
	b = export.AppendString(append(b, `},"redirectURL":`...), x.redirect)
	b = appendInt(b, `,"headersSize":-1,"bodySize":`, x.responseBytes)
	if m.transfer > 0 {
		b = appendInt(b, `,"_transferSize":`, m.transfer)
	}
	if x.failure != "" {
		b = export.AppendString(append(b, `,"_error":`...), x.failure)
	}
	return append(b, '}')
}

// appendCommon appends what requests and responses have.
func (x *entry) appendCommon(b []byte, m *message) []byte {
	b = export.AppendString(append(b, `,"httpVersion":`...), httpVersion(x.protocol))
	b = append(append(b, `,"cookies":[`...), m.fields.cookies...)
	b = append(append(b, `],"headers":[`...), m.headers...)
	return append(b, ']')
}

// appendBody appends a body: as text, or in base64 if it is none or encoded.
func (m *message) appendBody(b []byte, encodingKey string, total int64) []byte {
	encoded := m.fields.encoding != "" && !strings.EqualFold(m.fields.encoding, "identity")
	text := m.body
	if m.cut {
		text = text[:wholeRunes(text)]
	}
	if !encoded && utf8.Valid(text) {
		b = export.AppendString(append(b, `,"text":`...), text)
	} else {
		text = m.body
		b = append(b, `,"text":"`...)
		b = base64.StdEncoding.AppendEncode(b, text)
		b = append(append(append(b, `","`...), encodingKey...), `":"base64"`...)
	}
	var comments []string
	if encoded {
		comments = append(comments, "as it was sent, with content-encoding "+m.fields.encoding)
	}
	if m.cut || total != int64(len(text)) {
		comments = append(comments, "only the first bytes of it were recorded")
	}
	if len(comments) > 0 {
		b = export.AppendString(append(b, `,"comment":`...), strings.Join(comments, "; "))
	}
	return b
}

// wholeRunes returns the length of text without the begin of a character at its end.
func wholeRunes(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if c := text[len(text)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-n:]) {
				return len(text) - n
			}
			break
		}
	}
	return len(text)
}

// scheme is how an absolute URL begins (RFC 3986 §3.1).
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// uri returns the absolute URL that an entry has to have: without a fragment, and with what a URL
// cannot have escaped (RFC 3986 §2).
func uri(s string) string {
	if !scheme.MatchString(s) { // it was not seen, or is none
		s = "unknown:" + s
	}
	s, _, _ = strings.Cut(s, "#")
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// maxQuery bounds the parameters of a URL that an entry names.
const maxQuery = 1000

// appendQuery appends the parameters in the query of a URL.
func appendQuery(b []byte, address string) []byte {
	_, query, _ := strings.Cut(address, "?")
	n := 0
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		if n++; n > maxQuery {
			break
		}
		if n > 1 {
			b = append(b, ',')
		}
		name, value, _ := strings.Cut(part, "=")
		b = export.AppendString(append(b, `{"name":`...), unescaped(name))
		b = export.AppendString(append(b, `,"value":`...), unescaped(value))
		b = append(b, '}')
	}
	return b
}

// unescaped returns a part of a query without its escapes, or as it is if they are wrong.
func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
