package export

import "golang.org/x/net/http2/hpack"

// screen appends values without their secrets. The zero screen shows secrets, and caches
// no fields.
type screen struct {
	redactor *redactor
	fields   *fieldCache
}

// appendURL appends a URL without its secrets.
func (s *screen) appendURL(b []byte, key, url string) []byte {
	if s.redactor != nil {
		if clean, found := s.redactor.text(url); found {
			return appendText(b, key, clean)
		}
	}
	return appendTextOrNull(b, key, url)
}

// appendBytes appends text that the peer wrote, without secrets.
func (s *screen) appendBytes(b []byte, key string, data []byte) []byte {
	return appendText(b, key, s.clean(data))
}

// clean returns data without secrets, valid until the next call.
func (s *screen) clean(data []byte) []byte {
	if s.redactor != nil {
		if out, found := s.redactor.text(string(data)); found {
			return out
		}
	}
	return data
}

// appendArgs appends arguments without their secrets.
func (s *screen) appendArgs(b []byte, args []string) []byte {
	b = append(b, `,"args":[`...)
	for i, arg := range args {
		if i > 0 {
			b = append(b, ',')
		}
		if s.redactor != nil {
			if clean, found := s.redactor.argument(arg); found {
				b, _ = appendString(b, clean)
				continue
			}
		}
		b, _ = appendString(b, arg)
	}
	return append(b, ']')
}

func (s *screen) appendValue(b []byte, h *hpack.HeaderField) []byte {
	if s.redactor == nil {
		return appendText(b, "value", h.Value)
	}
	value, clean := s.redactor.header(h)
	if clean != nil {
		return appendText(b, "value", clean)
	}
	return appendText(b, "value", value)
}
