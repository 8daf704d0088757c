package export

import (
	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
)

// Difference is a field of a header list that differs from what the process itself
// encoded or decoded.
type Difference struct {
	Dir    decoder.Direction
	Stream uint32
	// Index is the place of the field in the list, from 0.
	Index int
	// Want is the field of the process, Got the decoded one. Each is nil if the list
	// has no such field.
	Want, Got *hpack.HeaderField
}

// Verify prints a verify event.
func (j *JSONL) Verify(m Meta, d *Difference) {
	b, ok := j.begin(KindVerify)
	if !ok {
		return
	}
	b = j.enc.appendMeta(b, &m, KindVerify)
	b = appendText(b, "dir", d.Dir.String())
	b = appendIntOrNull(b, "stream", &d.Stream)
	b = appendIntOrNull(b, "index", &d.Index)
	b = j.enc.appendFieldOrNull(b, "want", d.Want)
	b = j.enc.appendFieldOrNull(b, "got", d.Got)
	j.out.end(append(b, '}'))
}

func (s *screen) appendFieldOrNull(b []byte, key string, h *hpack.HeaderField) []byte {
	b = appendKey(b, key)
	if h == nil {
		return append(b, "null"...)
	}
	return s.appendField(b, h)
}
