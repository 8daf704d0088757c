package otlp

import "testing"

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0x0a, 0x07, 0x08, 0x02, 0x12, 0x03, 'b', 'a', 'd'})
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseAnswer(b); err == nil && len(a.text) > len(b) {
			t.Errorf("%+v of %q", a, b)
		}
	})
}
