package export

import (
	"bytes"
	"hash/maphash"

	"golang.org/x/net/http2/hpack"

	"h2trace/export/redact"
)

const (
	// cachedFields is how many fields a fieldCache holds, a power of two.
	cachedFields = 256
	// maxCachedField is the length of the longest name and value in a fieldCache, together.
	// A longer field is written anew each time, and takes no place.
	maxCachedField = 256
)

// fieldCache holds the JSON of header fields that occurred lately. Most fields of a
// connection repeat those of its earlier requests, and to search them for secrets costs
// more than the rest of their line. The JSON depends on nothing but name, value and
// whether the field is sensitive, so a field from the cache is the same bytes.
//
// A new field takes place and memory of an older one. Its JSON has at most six bytes for
// each byte of the field, as "\u0000" has, and base64: a fieldCache holds some 1 MB at most,
// whatever peers send.
type fieldCache struct {
	seed  maphash.Seed
	slots [cachedFields]cachedField
}

// cachedField is a field and its JSON. Of a field with a secret it holds neither.
type cachedField struct {
	text      []byte // name and value
	nameLen   int
	sensitive bool
	json      []byte // empty: holds none
}

func newFieldCache() *fieldCache { return &fieldCache{seed: maphash.MakeSeed()} }

// slot returns the only place where a field may be. The seed keeps a peer from choosing
// values that share one.
func (c *fieldCache) slot(h *hpack.HeaderField) *cachedField {
	sum := maphash.String(c.seed, h.Value) + 31*uint64(len(h.Name))
	return &c.slots[sum%cachedFields]
}

func (f *cachedField) holds(h *hpack.HeaderField) bool {
	return len(f.json) > 0 && f.nameLen == len(h.Name) && f.sensitive == h.Sensitive &&
		string(f.text[:f.nameLen]) == h.Name && string(f.text[f.nameLen:]) == h.Value
}

// set replaces the field. json begins in the memory of f.json.
func (f *cachedField) set(h *hpack.HeaderField, json []byte) {
	f.text, f.json = f.text[:0], json
	if bytes.Contains(json, []byte(redact.Mark)) {
		f.json = json[:0]
		return
	}
	f.text = append(append(f.text, h.Name...), h.Value...)
	f.nameLen, f.sensitive = len(h.Name), h.Sensitive
}

// appendField appends a header field as a JSON object.
func (s *screen) appendField(b []byte, h *hpack.HeaderField) []byte {
	if s.fields == nil || len(h.Name)+len(h.Value) > maxCachedField {
		return s.writeField(b, h)
	}
	f := s.fields.slot(h)
	if f.holds(h) {
		return append(b, f.json...)
	}
	json := s.writeField(f.json[:0], h)
	b = append(b, json...)
	f.set(h, json)
	return b
}
