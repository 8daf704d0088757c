package export

import (
	"bytes"
	"encoding/base64"
	"slices"

	"h2trace/export/redact"
	"h2trace/export/scan"
)

// LineScreen takes the secrets out of recorded events: a line that was printed with its secrets
// becomes the line that would have been printed without. It keeps all else, byte for byte, and so a
// line without secrets. What a line has of the kernel or of h2trace is searched, too: anybody can
// have written it.
//
// The zero LineScreen is ready. It is not safe for concurrent use.
type LineScreen struct {
	redactor *redact.Redactor
	in       []byte // the line
	out      []byte // in[:done] without secrets
	done     int
	levels   [maxLevels][]member // of the objects in each other that are being read
	flag     string              // the argument before
	exact    []byte              // what a key with base64 stands for
}

// member is a member of an object, as written. Its slices are of the line.
type member struct{ key, value []byte }

// maxLevels bounds the objects and arrays in each other that are taken apart, of which events have
// four: each costs its whole length. Of those further inside, each string is searched by itself.
const maxLevels = 8

// Clean returns a line without its secrets, valid until the next call. It returns one that is no
// JSON object as it is.
func (s *LineScreen) Clean(line []byte) []byte {
	if s.redactor == nil {
		s.redactor = redact.New()
	}
	s.in, s.out, s.done = line, s.out[:0], 0
	if cap(s.out) > maxKeptLine {
		s.out = nil
	}
	members := s.members(bytes.TrimRight(line, "\r\n"), 0)
	for i := 0; i < len(members); {
		switch string(members[i].key) {
		case "body", "body_b64": // as they are with Options.Bodies
			i++
		default:
			i += s.member(members[i:], 0)
		}
	}
	s.in = nil
	if s.done == 0 {
		return line
	}
	s.out = append(s.out, line[s.done:]...)
	return s.out
}

// maxKeptLine bounds the memory that stays allocated after one enormous line.
const maxKeptLine = 1 << 20

// members returns the members of an object at a level, and nil if it is none.
func (s *LineScreen) members(object []byte, level int) []member {
	list := s.levels[level][:0]
	if !scan.Members(object, func(key, value []byte) { list = append(list, member{key, value}) }) {
		return nil
	}
	s.levels[level] = list
	return list
}

// replace has the part of the line from the beginning of one slice of it to the end of another be
// replaced: it returns what is to be appended to, and takes that to s.out.
func (s *LineScreen) replace(from, to []byte) []byte {
	if s.done == 0 {
		s.out = slices.Grow(s.out, len(s.in))
	}
	begin := cap(s.in) - cap(from) // slices of one array end together
	s.out = append(s.out, s.in[s.done:begin]...)
	s.done = cap(s.in) - cap(to) + len(to)
	return s.out
}

// member takes the first of the members that follow at a level, and that with its exact bytes. It
// returns how many it took.
func (s *LineScreen) member(list []member, level int) int {
	key, value := list[0].key, list[0].value
	s.key(key)
	if value[0] == '"' {
		return s.text(list, s.redactor.Bytes)
	}
	s.value(value, level, string(key) == "args", isBase64(key))
	return 1
}

// text takes the first of the members, which has a string, as member does.
func (s *LineScreen) text(list []member, f cleaner) int {
	switch {
	case len(list) > 1 && isBase64Of(list[1].key, list[0].key):
		s.pair(list, f)
		return 2
	case isBase64(list[0].key):
		s.base64(list[0].value, f)
	default:
		s.string(list[0].value, f)
	}
	return 1
}

// isBase64 reports whether the value of a key is base64 of exact bytes.
func isBase64(key []byte) bool { return bytes.HasSuffix(key, []byte("_b64")) }

// isBase64Of reports whether a key has the exact bytes of another.
func isBase64Of(key, of []byte) bool {
	return len(key) == len(of)+len("_b64") && isBase64(key) && bytes.HasPrefix(key, of)
}

// key takes a key: one of labels may be a token.
func (s *LineScreen) key(key []byte) {
	quoted := s.in[cap(s.in)-cap(key)-1:]
	s.string(quoted[:len(key)+2], s.redactor.Bytes)
}

// value takes a value that is no string of a key.
func (s *LineScreen) value(v []byte, level int, args, exact bool) {
	switch {
	case v[0] == '{':
		s.object(v, level+1, false)
	case v[0] != '[', level+1 == maxLevels:
		s.strings(v) // a number has none, what is damaged may
	default:
		s.flag = ""
		if !scan.Elements(v, func(e []byte) { s.element(e, level+1, args, exact) }) {
			s.rest(v)
		}
	}
}

// object takes an object. One that an array lists may be a header field: labels, which are an
// object, may have any keys.
func (s *LineScreen) object(v []byte, level int, listed bool) {
	var list []member
	if level < maxLevels {
		list = s.members(v, level)
	}
	if list == nil {
		s.strings(v)
		return
	}
	if at, ok := lineFieldOf(list); ok && listed {
		s.field(list, &at, level)
		return
	}
	for i := 0; i < len(list); {
		i += s.member(list[i:], level)
	}
}

// element takes an element of an array, which is one of arguments or of base64, or neither.
func (s *LineScreen) element(v []byte, level int, args, exact bool) {
	switch {
	case v[0] == '{':
		s.object(v, level+1, true)
	case v[0] != '"':
		s.value(v, level, args, exact)
	case exact:
		s.base64(v, s.redactor.Bytes)
	case args:
		arg := string(textOf(v))
		s.string(v, func([]byte) ([]byte, bool) { return s.redactor.Argument(s.flag, arg) })
		s.flag = arg
	default:
		s.string(v, s.redactor.Bytes)
	}
}

// rest takes what was not taken yet of a value that is damaged.
func (s *LineScreen) rest(v []byte) {
	if taken := s.done - (cap(s.in) - cap(v)); taken > 0 {
		v = v[taken:]
	}
	s.strings(v)
}

// strings takes each string in a value, whatever it is of.
func (s *LineScreen) strings(v []byte) {
	for i := bytes.IndexByte(v, '"'); i >= 0; i = bytes.IndexByte(v, '"') {
		end := scan.StringEnd(v, i)
		if end < 0 {
			return // no event has it
		}
		s.string(v[i:end], s.redactor.Bytes)
		v = v[end:]
	}
}

// cleaner returns a text without secrets, or false if it has none.
type cleaner func(text []byte) ([]byte, bool)

// string takes a string of JSON.
func (s *LineScreen) string(v []byte, f cleaner) {
	text := textOf(v)
	if clean, found := f(text); found && !bytes.Equal(clean, text) {
		s.out, _ = appendString(s.replace(v, v), clean)
	}
}

// base64 takes a string of JSON with base64.
func (s *LineScreen) base64(v []byte, f cleaner) {
	exact, ok := s.decode(v)
	if !ok {
		s.string(v, f)
		return
	}
	if clean, found := f(exact); found && !bytes.Equal(clean, exact) {
		s.out = appendBase64(s.replace(v, v), clean)
	}
}

// pair takes the first two members, whose second one has the exact bytes of the first one.
func (s *LineScreen) pair(list []member, f cleaner) {
	value, coded := list[0].value, list[1].value
	exact, ok := s.decode(coded)
	if !ok {
		s.string(value, f)
		s.string(coded, f)
		return
	}
	clean, found := f(exact)
	if !found || bytes.Equal(clean, exact) {
		return
	}
	key := string(list[0].key)
	out, valid := appendString(s.replace(value, coded), clean)
	if !valid {
		out = appendBase64(appendKey(out, key+"_b64"), clean)
	}
	s.out = out
}

// decode returns what a string of JSON with base64 stands for, valid until the next call.
func (s *LineScreen) decode(v []byte) (exact []byte, ok bool) {
	if v[0] != '"' {
		return nil, false
	}
	var err error
	s.exact, err = base64.StdEncoding.AppendDecode(s.exact[:0], textOf(v))
	return s.exact, err == nil
}

// textOf returns what a string of JSON stands for. One with a damaged escape stands for itself.
func textOf(v []byte) []byte {
	if text := scan.Bytes(v); text != nil {
		return text
	}
	return v[1 : len(v)-1]
}
