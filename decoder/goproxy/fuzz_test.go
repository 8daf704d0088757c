package goproxy

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzProxies has values of GOPROXY. Its entries have no credentials, are bounded, and give the
// same list again; a request below one of them is one for it.
func FuzzProxies(f *testing.F) {
	for _, s := range []string{
		"https://a.example/x/|https://b.example,direct,https://c.example", " a.example/go ,off", "https://user:hunter2@a.example/go?token=x",
		"file:///srv/modules", "nonsense,/a,HTTP://A.EXAMPLE:80", "https://a.example/%2f/%41", "https:///x", "https://[::1%25lo]/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		list := ParseProxies(value)
		if len(list) > maxEntries || len(list) > strings.Count(value, ",")+strings.Count(value, "|")+1 {
			t.Fatalf("%q: %d entries", value, len(list))
		}
		for i, e := range list {
			last := i == len(list)-1
			if e.URL == Direct || e.URL == Off {
				if !last || list.Tail() != e.URL {
					t.Errorf("%q: %s is entry %d of %d", value, e.URL, i, len(list))
				}
				continue
			}
			u, err := url.Parse(e.URL)
			if err != nil || u.User != nil || u.RawQuery != "" || u.Scheme == "" {
				continue // no URL to ask
			}
			r, at, ok := list.Parse(e.URL + "/golang.org/x/text/@v/v0.21.0.zip")
			if !ok || r.Kind != Zip || !strings.HasSuffix(r.Path, "golang.org/x/text") || r.Version != "v0.21.0" {
				t.Errorf("%q: a request below %s is %+v", value, e.URL, r)
			}
			if at >= len(list) || at > i && len(list[at].base) < len(list[i].base) {
				t.Errorf("%q: a request below entry %d is for %d", value, i, at)
			}
		}
	})
}
