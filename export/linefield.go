package export

import (
	"golang.org/x/net/http2/hpack"

	"h2trace/export/redact"
)

// lineField is where in an object the members of a header field are, -1 for none.
type lineField struct {
	name, exactName, value, exactValue int
	sensitive                          bool
}

// lineFieldOf returns where the members of a header field are in an object of an array, if it is one:
// in no other array of the schema objects have a name and a text as value.
func lineFieldOf(list []member) (f lineField, ok bool) {
	f = lineField{name: -1, exactName: -1, value: -1, exactValue: -1}
	for i, m := range list {
		var of *int
		switch string(m.key) {
		case "name":
			of = &f.name
		case "name_b64":
			of = &f.exactName
		case "value":
			of = &f.value
		case "value_b64":
			of = &f.exactValue
		case "never_indexed":
			f.sensitive = string(m.value) == "true"
			continue
		default:
			continue
		}
		if m.value[0] != '"' {
			return f, false
		}
		*of = i
	}
	return f, max(f.name, f.exactName) >= 0 && max(f.value, f.exactValue) >= 0
}

// field takes the members of a header field, whose name says whether its value is a secret.
func (s *LineScreen) field(list []member, at *lineField, level int) {
	field := hpack.HeaderField{Name: s.exactly(list, at.name, at.exactName), Sensitive: at.sensitive}
	name := func([]byte) ([]byte, bool) {
		if clean := s.redactor.Name(field.Name); clean != field.Name {
			return []byte(clean), true
		}
		return nil, false
	}
	value := func(text []byte) ([]byte, bool) {
		field.Value = string(text)
		whole, clean := s.redactor.Header(&field)
		if clean == nil && whole == redact.Mark {
			clean = []byte(redact.Mark)
		}
		return clean, clean != nil
	}
	for i := 0; i < len(list); {
		switch i {
		case at.name, at.exactName:
			i += s.text(list[i:], name)
		case at.value, at.exactValue:
			i += s.text(list[i:], value)
		default:
			i += s.member(list[i:], level)
		}
	}
}

// exactly returns the text of a member, which another may have the exact bytes of.
func (s *LineScreen) exactly(list []member, text, exact int) string {
	if exact >= 0 {
		if b, ok := s.decode(list[exact].value); ok {
			return string(b)
		}
	}
	if text < 0 {
		return ""
	}
	return string(textOf(list[text].value))
}
