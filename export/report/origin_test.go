package report

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzPlainOrigin demands that URLs that are not parsed have the origin that parsing finds.
func FuzzPlainOrigin(f *testing.F) {
	for _, s := range []string{"https://a.example", "http://a.example:80/x?y#z", "https://a.example:/", "https://u@a.example/", "https:///x", "https://A.example/", "https://a.example:8a/", "https://a-.1:1/ "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := plainOrigin(s)
		if !ok {
			return
		}
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != got {
			t.Errorf("%q: got %q, want that of %+v, %v", s, got, u, err)
		}
	})
}

// TestShortMillis compares times as h2trace writes them with their numbers.
func TestShortMillis(t *testing.T) {
	for text, want := range map[string]int64{"0.000": 0, "0.398": 398, "12345.678": 12345678, "999999999999.999": 999999999999999} {
		if d, ok := shortMillis([]byte(text)); !ok || d.Microseconds() != want {
			t.Errorf("%s: got %v, %v", text, d, ok)
		}
	}
	for _, text := range strings.Fields("null 1 1.5 .000 -1.000 1e3.000 1.0000 1,000 1.00x") {
		if d, ok := shortMillis([]byte(text)); ok {
			t.Errorf("%s: got %v", text, d)
		}
	}
}
