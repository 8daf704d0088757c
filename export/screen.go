package export

import (
	"golang.org/x/net/http2/hpack"

	"h2trace/export/redact"
)

// screen appends values without their secrets. The zero screen shows secrets, and caches
// no fields.
//
// Every value that h2trace did not choose itself goes through a screen: what peers, programs and
// users wrote. appendText and appendString, without a screen, are for the names of enumerations,
// for numbers and for addresses. TestNoSecretInAnyKey fails for a key that forgets it.
type screen struct {
	redactor *redact.Redactor
	fields   *fieldCache
}

// appendText appends text that others wrote, without secrets.
func (s *screen) appendText(b []byte, key, text string) []byte {
	if s.redactor != nil {
		if clean, found := s.redactor.Text(text); found {
			return appendText(b, key, clean)
		}
	}
	return appendText(b, key, text)
}

// appendTextOrNull is appendText, with null for the empty string, which means unknown.
func (s *screen) appendTextOrNull(b []byte, key, text string) []byte {
	if text == "" {
		return appendTextOrNull(b, key, "")
	}
	return s.appendText(b, key, text)
}

// appendBytes is appendText for bytes.
func (s *screen) appendBytes(b []byte, key string, data []byte) []byte {
	return appendText(b, key, s.clean(data))
}

// appendString appends text that others wrote as a JSON string, without secrets.
func (s *screen) appendString(b []byte, text string) []byte {
	if s.redactor != nil {
		if clean, found := s.redactor.Text(text); found {
			b, _ = appendString(b, clean)
			return b
		}
	}
	b, _ = appendString(b, text)
	return b
}

// appendStringOrNull is appendString, with null for the empty string.
func (s *screen) appendStringOrNull(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return s.appendString(b, text)
}

// appendTexts appends an array of texts.
func (s *screen) appendTexts(b []byte, key string, list []string) []byte {
	b = append(appendKey(b, key), '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendString(b, text)
	}
	return append(b, ']')
}

// clean returns data without secrets, valid until the next call.
func (s *screen) clean(data []byte) []byte {
	if s.redactor != nil {
		if out, found := s.redactor.Bytes(data); found {
			return out
		}
	}
	return data
}

// appendArgs appends arguments without their secrets.
func (s *screen) appendArgs(b []byte, args []string) []byte {
	b = append(b, `,"args":[`...)
	flag := ""
	for i, arg := range args {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendArgument(b, flag, arg)
		flag = arg
	}
	return append(b, ']')
}

func (s *screen) appendArgument(b []byte, flag, arg string) []byte {
	if s.redactor != nil {
		if clean, found := s.redactor.Argument(flag, arg); found {
			b, _ = appendString(b, clean)
			return b
		}
	}
	b, _ = appendString(b, arg)
	return b
}

// writeField is appendField without the cache.
func (s *screen) writeField(b []byte, h *hpack.HeaderField) []byte {
	b = append(b, `{"name":`...)
	b = s.appendName(b, h.Name)
	b = s.appendValue(b, h)
	if h.Sensitive {
		b = append(b, `,"never_indexed":true`...)
	}
	return append(b, '}')
}

// appendName appends the name of a field. A peer may send a token as one.
func (s *screen) appendName(b []byte, name string) []byte {
	if s.redactor != nil {
		name = s.redactor.Name(name)
	}
	b, valid := appendString(b, name)
	if !valid {
		b = appendBase64(append(b, `,"name_b64":`...), []byte(name))
	}
	return b
}

func (s *screen) appendValue(b []byte, h *hpack.HeaderField) []byte {
	if s.redactor == nil {
		return appendText(b, "value", h.Value)
	}
	value, clean := s.redactor.Header(h)
	if clean != nil {
		return appendText(b, "value", clean)
	}
	return appendText(b, "value", value)
}
