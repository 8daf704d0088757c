package export

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// TestFieldCache requires of fields that repeat, and of those that take each other's
// place, what a screen without a cache writes.
func TestFieldCache(t *testing.T) {
	var fields []hpack.HeaderField
	for i := range 4 * cachedFields {
		fields = append(fields, hpack.HeaderField{Name: "x-number", Value: fmt.Sprint(i)})
	}
	fields = append(fields,
		hpack.HeaderField{Name: "a", Value: "bc"},
		hpack.HeaderField{Name: "ab", Value: "c"},
		hpack.HeaderField{Name: "ba", Value: "c"},
		hpack.HeaderField{Name: ":path", Value: "/?token=1"},
		hpack.HeaderField{Name: ":path", Value: "/?switch=1"},
		hpack.HeaderField{Name: "authorization", Value: "1"},
		hpack.HeaderField{Name: "content-length", Value: "1"},
		hpack.HeaderField{Name: "content-length", Value: "1", Sensitive: true},
		hpack.HeaderField{Name: "\xff", Value: "\xfe"},
		hpack.HeaderField{Name: "", Value: ""},
		hpack.HeaderField{Name: "long", Value: strings.Repeat("x", maxCachedField)},
	)
	for _, o := range []Options{{}, {ShowSecrets: true}} {
		e := newEncoder(&o)
		without := screen{redactor: e.redactor}
		for round := range 3 {
			for i := range fields {
				h := &fields[(i*7+round)%len(fields)]
				got, want := string(e.appendField(nil, h)), string(without.appendField(nil, h))
				if got != want {
					t.Errorf("%+v: got %s, want %s", h, got, want)
				}
			}
		}
	}
}

// TestFieldCacheSecrets requires that no secret stays in the cache, and that a field that
// is replaced leaves nothing.
func TestFieldCacheSecrets(t *testing.T) {
	e := newEncoder(&Options{})
	for i := range 1000 {
		value := fmt.Sprintf("%d-hidden-%d", i, i)
		for _, h := range []hpack.HeaderField{
			{Name: "cookie", Value: value},
			{Name: ":path", Value: "/?sig=" + value},
			{Name: "x", Value: value, Sensitive: true},
			{Name: "number", Value: fmt.Sprint(i)},
		} {
			if json := e.appendField(nil, &h); bytes.Contains(json, []byte("hidden")) {
				t.Fatalf("%+v: got %s", h, json)
			}
		}
	}
	for i := range e.fields.slots {
		f := &e.fields.slots[i]
		if text := f.text[:cap(f.text)]; bytes.Contains(text, []byte("hidden")) {
			t.Fatalf("slot %d holds %q", i, text)
		}
		if json := f.json[:cap(f.json)]; bytes.Contains(json, []byte("hidden")) {
			t.Fatalf("slot %d holds %q", i, json)
		}
	}
}
