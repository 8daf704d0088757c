package export

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"h2trace/decoder"
)

// TestLineScreenFields has secrets that nothing but the name of a field, or that it is never
// indexed, makes one.
func TestLineScreenFields(t *testing.T) {
	fields := []hpack.HeaderField{
		{Name: ":authority", Value: "user:hunter2@a.example"},
		{Name: ":path", Value: "/hunter2?page=2"},
		{Name: "accept", Value: "hunter2"},
		{Name: "authorization", Value: "hunter2"},
		{Name: "Cookie", Value: "hunter2"},
		{Name: "x-api-key", Value: "hunter\xff2"},
		{Name: "x-api-key\xff", Value: "hunter2"},
		{Name: "x-plain", Value: "hunter2", Sensitive: true},
		{Name: "x-plain", Value: "hunter2\xff", Sensitive: true},
		{Name: "link", Value: `<https://a.example/?token=hunter2>; rel="next"`},
		{Name: "x-odd", Value: "token=hunter2\u202e\xff\"\\"},
		{Name: "www-authenticate", Value: `Bearer realm="hunter2"`},
		{Name: "x-empty"},
	}
	f := &decoder.Frame{Type: decoder.TypeHeaders, BlockEnd: true, Headers: fields}
	shown, hidden := printed(t, Options{ShowSecrets: true}, f), printed(t, Options{}, f)
	var s LineScreen
	if got := string(s.Clean(shown)); got != string(hidden) {
		t.Errorf("got  %s\nwant %s", got, hidden)
	}
	if got := string(s.Clean(hidden)); got != string(hidden) {
		t.Errorf("again: got  %s\nwant %s", got, hidden)
	}
}

// printed returns the line of a frame.
func printed(t *testing.T, o Options, f *decoder.Frame) []byte {
	var out bytes.Buffer
	p := NewJSONL(&out, o)
	p.Frame(Meta{Conn: "c1"}, f)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestLineScreen(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"as other programs write it", ` { "headers" : [ { "value" : "hunter2", "name" : "cookie" } ], "x" : "A" }`, ` { "headers" : [ { "value" : "<redacted>", "name" : "cookie" } ], "x" : "A" }`},
		{"sorted keys", `{"headers":[{"name":"a","name_b64":"Y29va2ll","never_indexed":false,"value":"hunter2"}]}`, `{"headers":[{"name":"a","name_b64":"Y29va2ll","never_indexed":false,"value":"<redacted>"}]}`},
		{"name in base64 alone", `{"headers":[{"name_b64":"Y29va2ll","value_b64":"aHVudGVyMg=="}]}`, `{"headers":[{"name_b64":"Y29va2ll","value_b64":"PHJlZGFjdGVkPg=="}]}`},
		{"exact bytes apart", `{"url":"token=hunter2","x":1,"url_b64":"dG9rZW49aHVudGVyMg=="}`, `{"url":"token=<redacted>","x":1,"url_b64":"dG9rZW49PHJlZGFjdGVkPg=="}`},
		{"exact bytes that are none", `{"url":"token=hunter2","url_b64":"token=hunter2"}`, `{"url":"token=<redacted>","url_b64":"token=<redacted>"}`},
		{"exact bytes in arrays", `{"origins":["a"],"origins_b64":["dG9rZW49aHVudGVyMg=="]}`, `{"origins":["a"],"origins_b64":["dG9rZW49PHJlZGFjdGVkPg=="]}`},
		{"escapes", `{"url":"\u0074oken=hunter2"}`, `{"url":"token=<redacted>"}`},
		{"escapes of what has no secret", `{"url":"\u0074oken=<redacted>"}`, `{"url":"\u0074oken=<redacted>"}`},
		{"a damaged escape", `{"url":"\qtoken=hunter2"}`, `{"url":"\\qtoken=<redacted>"}`},
		{"arguments", `{"args":["curl","-u","a:hunter2","--token","hunter2"],"x":["--token","A"]}`, `{"args":["curl","-u","<redacted>","--token","<redacted>"],"x":["--token","A"]}`},
		{"arguments of processes", `{"processes":[{"args":["--token"]},{"args":["A","--token","hunter2"]}]}`, `{"processes":[{"args":["--token"]},{"args":["A","--token","<redacted>"]}]}`},
		{"bodies", `{"body":"token=A","body_b64":"dG9rZW49aHVudGVyMg=="}`, `{"body":"token=A","body_b64":"dG9rZW49aHVudGVyMg=="}`},
		{"keys", `{"labels":{"token=hunter2":"A"}}`, `{"labels":{"token=<redacted>":"A"}}`},
		{"labels with the keys of a field", `{"labels":{"name":"cookie","value":"A"}}`, `{"labels":{"name":"cookie","value":"A"}}`},
		{"damaged inside", `{"tls":{"sni" "token=hunter2"},"x":["token=hunter2","token=hunter2";"token=hunter2"]}`, `{"tls":{"sni" "token=<redacted>"},"x":["token=<redacted>","token=<redacted>";"token=<redacted>"]}`},
		{"deep", `{"a":` + strings.Repeat(`[{"b":`, 20) + `"token=hunter2"` + strings.Repeat(`}]`, 20) + `}`, `{"a":` + strings.Repeat(`[{"b":`, 20) + `"token=<redacted>"` + strings.Repeat(`}]`, 20) + `}`},
		{"no object", `token=A`, `token=A`},
		{"nothing", ``, ``},
	} {
		var s LineScreen
		for range 2 {
			got := string(s.Clean([]byte(c.line + "\n")))
			if got != c.want+"\n" || strings.Contains(got, "hunter2") {
				t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
			}
			c.line = strings.TrimSuffix(got, "\n")
		}
	}
}

// FuzzLineScreen has lines of anybody. A line stays JSON, and what is taken out of it stays away.
func FuzzLineScreen(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"event":"frame","headers":[{"name":"cookie","value":"a","never_indexed":true},{"name":"","name_b64":"/w==","value":"","value_b64":"/w=="}]}`,
		`{"args":["--token","a"],"processes":[{"args":["a"]}],"url":"https://u:p@a.example/","url_b64":"/w==","origins_b64":["/w=="]}`,
		` { "a" : [ [ { "b" : "\u0074oken=a" } ] ], "body" : "token=a" } `, `{"a":[[[[[[[[[["token=a"]]]]]]]]]]}`, `{"a":["token=a";`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var s LineScreen
		before := bytes.Clone(line)
		clean := bytes.Clone(s.Clean(line))
		if !bytes.Equal(line, before) {
			t.Fatalf("%q became %q", before, line)
		}
		if again := s.Clean(clean); !bytes.Equal(again, clean) {
			t.Errorf("%q became %q and then %q", line, clean, again)
		}
		if json.Valid(line) && !json.Valid(clean) {
			t.Errorf("%q became %q", line, clean)
		}
	})
}
