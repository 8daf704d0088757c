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

// TestFieldCacheHolds requires that a field that occurs again is taken from the cache, up to
// the longest one.
func TestFieldCacheHolds(t *testing.T) {
	for length, want := range map[int]bool{0: true, 1: true, maxCachedField - 1: true, maxCachedField: true, maxCachedField + 1: false, 1 << 16: false} {
		e := newEncoder(&Options{})
		h := hpack.HeaderField{Value: strings.Repeat("x", length)}
		e.appendField(nil, &h)
		if got := e.fields.slot(&h).holds(&h); got != want {
			t.Errorf("a field of %d bytes is held: %t, want %t", length, got, want)
		}
	}
}

// TestFieldCacheBound fills all places, over and over, with fields whose JSON is long, and
// requires that the cache stays small.
func TestFieldCacheBound(t *testing.T) {
	const most = 1 << 20
	e := newEncoder(&Options{ShowSecrets: true})
	for _, char := range []string{"\x00", "\xff", "\u202e", `"`, "<", "x"} {
		for _, name := range []int{0, 1, maxCachedField / 2, maxCachedField} {
			for i := range 4 * cachedFields {
				value := fmt.Sprint(i)
				h := hpack.HeaderField{Name: repeat(char, name), Value: value + repeat(char, maxCachedField-name-len(value)), Sensitive: i%2 == 0}
				e.appendField(nil, &h)
				h.Value += repeat(char, maxCachedField) // and one that is not held
				e.appendField(nil, &h)
			}
		}
	}
	held, used := 0, 0
	for i := range e.fields.slots {
		f := &e.fields.slots[i]
		held += cap(f.text) + cap(f.json)
		if len(f.json) > 0 {
			used++
		}
		if len(f.text) > maxCachedField {
			t.Errorf("slot %d holds a field of %d bytes", i, len(f.text))
		}
	}
	if held > most || used != cachedFields {
		t.Errorf("%d places of %d hold %d bytes, want at most %d", used, cachedFields, held, most)
	}
}

// repeat returns at most n bytes of text.
func repeat(text string, n int) string { return strings.Repeat(text, max(n, 0)/len(text)) }

// FuzzFieldCache requires of any fields, in any order, what a screen without a cache writes.
func FuzzFieldCache(f *testing.F) {
	f.Add("a", "bc", "ab", "c", []byte{0, 1, 2, 3, 0})
	f.Add(":path", "/?token=1", ":path", "/?switch=1", []byte{0, 2, 0, 2})
	f.Add("cookie", "<redacted>", "x", "Bearer 1", []byte{0, 1, 2, 3, 7, 4})
	f.Add("\xff", "\xfe", "", "\x00\u202e", []byte{2, 0, 2})
	f.Fuzz(func(t *testing.T, name, value, other, otherValue string, order []byte) {
		for _, o := range []Options{{}, {ShowSecrets: true}} {
			e := newEncoder(&o)
			without := screen{redactor: e.redactor}
			for _, which := range order {
				h := hpack.HeaderField{Name: name, Value: value, Sensitive: which&1 != 0}
				if which&2 != 0 {
					h.Name = other
				}
				if which&4 != 0 {
					h.Value = otherValue
				}
				if got, want := e.appendField(nil, &h), without.appendField(nil, &h); !bytes.Equal(got, want) {
					t.Errorf("%+v: got %s, want %s", h, got, want)
				}
			}
		}
	})
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
