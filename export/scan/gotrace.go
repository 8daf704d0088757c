package scan

import "bytes"

var (
	eventBegin = []byte(`{"v":`)
	phaseKey   = []byte(`"ph":`)
)

// GoTrace takes the JSON object out of a line that a go command writes with -debug-trace=FILE:
// Chrome trace events, of which each is a line (cmd/go/internal/trace). It reports whether the
// line is one of these; those that begin and end the array have no object.
func GoTrace(line []byte) (object []byte, ok bool) {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0 || bytes.HasPrefix(line, eventBegin):
		return nil, false
	case string(line) == "[", string(line) == "]": // of nothing else that is read
		return nil, true
	}
	line = bytes.TrimLeft(line, "[,")
	if len(line) == 0 || line[0] != '{' || !bytes.Contains(line, phaseKey) {
		return nil, false
	}
	return line, true
}
