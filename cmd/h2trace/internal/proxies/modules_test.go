package proxies

import (
	"errors"
	"strings"
	"testing"
)

func TestParseModules(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want, err string }{
		{
			"forms", "list", "# a list\n\nexample.com/a@v1.2.3\nexample.com/b v0.1.0 # why\n// more\nexample.com/c@latest\n",
			"example.com/a@v1.2.3 example.com/b@v0.1.0 example.com/c@latest", "",
		},
		{"twice", "list", "example.com/a v1.0.0\r\nexample.com/a@v1.0.0\r\n", "example.com/a@v1.0.0", ""},
		{"major version", "list", "example.com/a/v2@v2.0.0\nexample.com/b@v2.0.0+incompatible", "example.com/a/v2@v2.0.0 example.com/b@v2.0.0+incompatible", ""},
		{"go.mod", "go.mod", "module m\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v1.0.0 // indirect\n)\n", "example.com/a@v1.0.0 example.com/b@v1.0.0", ""},
		{"replaced", "go.mod", "module m\nrequire example.com/a v1.0.0\nrequire example.com/b v1.0.0\n" +
			"replace example.com/a => example.com/fork v1.1.0\nreplace example.com/b => ../b\n", "example.com/fork@v1.1.0", ""},
		{"no version", "list", "example.com/a@v1.0.0\nexample.com/b\n", "", `list:2: "example.com/b" has no version; write example.com/b@v1.2.3, or @latest`},
		{"no path", "list", "v1.0.0 example.com/a", "", "list:1: "},
		{"half a version", "list", "example.com/a@v1.0", "", `list:1: "v1.0" is no version; it takes a whole one`},
		{"wrong major version", "list", "\nexample.com/a@v2.0.0", "", "list:2: "},
		{"three words", "list", "example.com/a v1.0.0 v1.1.0", "", `"example.com/a v1.0.0 v1.1.0" is not path@version`},
		{"go.mod of another name", "list", "module m\n", "", "the name of such a file has to end in .mod"},
		{"typo in go.mod", "go.mod", "module m\nrequire example.com/a 1.0\n", "", "go.mod:2: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := parseModules(tt.file, []byte(tt.text))
			words := make([]string, len(list))
			for i, m := range list {
				words[i] = m.String()
			}
			if got := strings.Join(words, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			_, input := errors.AsType[*InputError](err)
			if (err != nil) != (tt.err != "") || err != nil && (!input || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestWithoutPrivate(t *testing.T) {
	rest, private := withoutPrivate(smallList, "golang.org/x,*.corp.example")
	if len(rest) != 2 || len(private) != 1 || private[0] != "golang.org/x/text" {
		t.Errorf("got %v and %q", rest, private)
	}
}
