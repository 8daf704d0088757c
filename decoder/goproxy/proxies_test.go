package goproxy

import (
	"slices"
	"strings"
	"testing"
)

func TestParseProxies(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{" , ", ""},
		{"off", "off"},
		{"https://a.example,direct", "https://a.example direct"},
		{"https://a.example/x/|https://b.example,direct,https://c.example", "https://a.example/x| https://b.example direct"},
		{" a.example/go ,direct", "https://a.example/go direct"},
		{"https://user:pw@a.example/go?token=x", "https://a.example/go"},
		{"nonsense,https://a.example", "https://a.example"},
		{"file:///srv/modules,off", "file:///srv/modules off"},
	}
	for _, tt := range tests {
		var got []string
		for _, e := range ParseProxies(tt.in) {
			text := e.URL
			if e.AnyError {
				text += "|"
			}
			got = append(got, text)
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestProxiesParse has base paths that look like module paths. Only the list separates them.
func TestProxiesParse(t *testing.T) {
	l := ParseProxies("https://a.example/repo.v1,https://u:p@A.example:443/repo.v1/inner.x|https://b.example:8443,direct")
	tests := []struct {
		url   string
		path  string
		base  string
		entry int
	}{
		{"https://a.example/repo.v1/example.com/m/@v/list", "example.com/m", "/repo.v1", 0},
		{"https://a.example/repo.v1/inner.x/example.com/m/@v/list", "example.com/m", "/repo.v1/inner.x", 1},
		{"https://a.example/other.v1/example.com/m/@v/list", "other.v1/example.com/m", "", -1},
		{"https://b.example:8443/repo.v1/example.com/m/@v/list", "repo.v1/example.com/m", "", 2},
		{"https://b.example/a/example.com/m/@v/list", "example.com/m", "/a", -1},
		{"http://a.example/repo.v1/example.com/m/@v/list", "repo.v1/example.com/m", "", -1},
	}
	for _, tt := range tests {
		got, at, ok := l.Parse(tt.url)
		if want := (Request{Kind: List, Path: tt.path, Base: tt.base}); !ok || got != want || at != tt.entry {
			t.Errorf("%s: got %+v, entry %d, want %+v, entry %d", tt.url, got, at, want, tt.entry)
		}
	}
}

func TestNext(t *testing.T) {
	l := ParseProxies("https://a.example,https://b.example|https://c.example,direct")
	var got []string
	for at := range l {
		got = append(got, l.Next(at, 404)+" "+l.Next(at, 410)+" "+l.Next(at, 503))
	}
	want := []string{
		"https://b.example https://b.example none",
		"https://c.example https://c.example https://c.example",
		"direct direct none",
		"none none none",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBarred has entries that the go command skips only because of a ",".
func TestBarred(t *testing.T) {
	tests := []struct{ list, notFound, failed string }{
		{"https://a.example", "", ""},
		{"https://a.example,https://b.example", "", "https://b.example"},
		{"https://a.example|https://b.example", "", ""},
		{"https://a.example,nonsense,https://b.example", "", "https://b.example"},
		{"https://a.example,https://u:p@b.example/go?token=x,direct", "", "https://b.example/go"},
		{"https://a.example,direct", "", "direct"},
		{"https://a.example,off", "", ""},
		{"https://a.example|direct", "", ""},
	}
	for _, tt := range tests {
		l := ParseProxies(tt.list)
		for _, status := range []int{404, 410} {
			if got := l.Barred(0, status); got != tt.notFound {
				t.Errorf("%s, %d: got %q, want %q", tt.list, status, got, tt.notFound)
			}
		}
		for _, status := range []int{0, 403, 500} { // 0: no connection
			if got := l.Barred(0, status); got != tt.failed {
				t.Errorf("%s, %d: got %q, want %q", tt.list, status, got, tt.failed)
			}
			if got := l.Next(0, status); tt.failed != "" && got != None {
				t.Errorf("%s, %d: next is %q", tt.list, status, got)
			}
		}
		if got := l.Barred(len(l)-1, 500); got != "" {
			t.Errorf("%s: got %q behind the last", tt.list, got)
		}
	}
}

// BenchmarkProxiesParse parses the URL of a module, and one of another program.
func BenchmarkProxiesParse(b *testing.B) {
	l := ParseProxies("https://a.example/repo.v1,https://b.example,direct")
	for _, bm := range []struct{ name, url string }{
		{"module", "https://b.example/example.com/m/@v/v1.0.0.zip"},
		{"other", "https://127.0.0.1:43210/100"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := l.Parse(bm.url); ok != (bm.name == "module") {
					b.Fatal(ok)
				}
			}
		})
	}
}

func TestTail(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "off": Off, "direct": Direct, "https://a.example": None, "https://a.example,off": Off,
		"https://u:p@a.example|https://b.example,direct,https://c.example": Direct,
	} {
		l := ParseProxies(value)
		if got := l.Tail(); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
		for i, e := range l {
			if e.Credentials != (i == 0 && strings.Contains(value, "@")) {
				t.Errorf("%q: entry %d has credentials: %v", value, i, e.Credentials)
			}
		}
	}
}
