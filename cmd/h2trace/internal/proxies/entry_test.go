package proxies

import (
	"errors"
	"strings"
	"testing"
)

func names(list []entry) string {
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = e.name
	}
	return strings.Join(words, " ")
}

func TestParseEntries(t *testing.T) {
	for _, tt := range []struct{ name, words, want, err string }{
		{"one", "https://goproxy.example", "https://goproxy.example", ""},
		{"without scheme", "goproxy.example", "https://goproxy.example", ""},
		{"path", "https://goproxy.example/go/", "https://goproxy.example/go", ""},
		{"list", "https://a.example,https://b.example|direct", "https://a.example https://b.example direct", ""},
		{"twice", "https://a.example a.example", "https://a.example", ""},
		{"credentials", "https://me:secret@a.example", "https://a.example", ""},
		{"plain", "http://localhost:3000", "http://localhost:3000", ""},
		{"off", "off", "", "off downloads nothing"},
		{"word", "proxy", "", `"proxy" is no proxy`},
		{"scheme", "ftp://a.example", "", `"ftp://a.example" has the scheme ftp`},
		{"directory", "file:///srv/modules", "", "nothing of it goes over a network"},
		{"no host", "https://", "", "is no URL of a proxy"},
		{"bad port", "https://me:secret@a.example:x", "", `"https://<redacted>@a.example:x" is no proxy`},
		{"nothing", ",", "", "no proxy is named"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseEntries(strings.Fields(tt.words))
			_, input := errors.AsType[*InputError](err)
			switch {
			case tt.err == "" && (err != nil || names(got) != tt.want):
				t.Errorf("got %q, %v; want %q", names(got), err, tt.want)
			case tt.err != "" && (!input || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got error %v, want %q", err, tt.err)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("credentials in %v", err)
			}
		})
	}
}

func TestOwnEntries(t *testing.T) {
	for _, tt := range []struct{ value, want, end string }{
		{"https://a.example,direct", "https://a.example direct", "direct"},
		{"https://a.example|https://b.example", "https://a.example https://b.example", "none"},
		{"https://a.example,off,https://b.example", "https://a.example", "off"},
		{"direct,https://a.example", "direct", "direct"},
		{"file:///srv/modules,https://a.example", "https://a.example", "none"},
		{"off", "", "off"},
	} {
		got, not := ownEntries(tt.value)
		if names(got) != tt.want || endOf(tt.value) != tt.end || len(not) != strings.Count(tt.value, "file:") {
			t.Errorf("%s: got %q with end %q, left out %q; want %q with end %q", tt.value, names(got), endOf(tt.value), not, tt.want, tt.end)
		}
	}
}
