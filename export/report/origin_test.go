package report

import (
	"net/url"
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
