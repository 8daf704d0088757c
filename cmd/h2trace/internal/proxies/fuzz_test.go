package proxies

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"h2trace/decoder/goproxy"
	"h2trace/export/redact"
)

// FuzzModules has files of modules. What comes of one is valid, and each module occurs once; a
// list of it gives the same again.
func FuzzModules(f *testing.F) {
	f.Add("golang.org/x/text@v0.21.0\n# x\n\n// y\ngolang.org/x/mod v0.30.0 # z\n", false)
	f.Add("golang.org/x/text@latest\r\nrequire x", false)
	f.Add("module a.example/m\nrequire (\n\tgolang.org/x/text v0.21.0\n\tb.example/m v1.0.0\n)\nreplace b.example/m => ../b\n", true)
	f.Add("module a.example/m\nrequire b.example/m v1.0.0\nreplace b.example/m v1.0.0 => c.example/m v1.2.3\n", true)
	f.Fuzz(func(t *testing.T, text string, mod bool) {
		name := "list"
		if mod {
			name = "go.mod"
		}
		list, err := parseModules(name, []byte(text))
		if err != nil {
			if _, ok := errors.AsType[*InputError](err); !ok {
				t.Errorf("%q: %v is no mistake of the user", text, err)
			}
			return
		}
		var lines []string
		for i, m := range list {
			if err := module.CheckPath(m.Path); err != nil || slices.Contains(list[:i], m) {
				t.Fatalf("%q: got %v, %v", text, m, err)
			}
			if m.Version != "latest" && module.CanonicalVersion(m.Version) != m.Version {
				t.Fatalf("%q: got %v", text, m)
			}
			lines = append(lines, m.Path+"@"+m.Version)
		}
		again, err := parseModules("list", []byte(strings.Join(lines, "\n")))
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%q: got %v, and from that %v, %v", text, list, again, err)
		}
	})
}

// FuzzEntries has values of GOPROXY. An entry is one that the go command takes, with a name
// without credentials; a mistake names none either.
func FuzzEntries(f *testing.F) {
	for _, s := range []string{
		"https://a.example,https://b.example|direct", "https://me:hunter2@a.example/x?token=y", "a.example/go", "ftp://a.example",
		"file:///srv", "off", ",|", "https://[2001:db8::1]:99/", "https://me:hunter2@a.example:x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		list, err := parseEntries([]string{value})
		if err != nil {
			if _, ok := errors.AsType[*InputError](err); !ok {
				t.Errorf("%q: %v is no mistake of the user", value, err)
			}
		}
		if secret, err := parseEntries([]string{"https://me:hunter2@" + value}); !strings.Contains(value, "hunter2") &&
			strings.Contains(fmt.Sprint(err)+names(secret), "hunter2") {
			t.Errorf("%q: got %s, %v", value, names(secret), err)
		}
		own, _ := ownEntries(value)
		for i, e := range slices.Concat(list, own) {
			if e.direct() {
				continue
			}
			parsed := goproxy.ParseProxies(e.value)
			u, err := url.Parse(redact.Parseable(e.name))
			if len(parsed) != 1 || err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
				t.Errorf("%q: entry %d is %+v, %v", value, i, e, err)
			}
		}
		end := endOf(value)
		if end != goproxy.None && !slices.Contains(split(value), end) {
			t.Errorf("%q ends with %q", value, end)
		}
	})
}

// FuzzRecording has lines of a recording. What is counted of one exchange is not more than that.
func FuzzRecording(f *testing.F) {
	f.Add(`{"ts":"2026-03-01T10:00:00Z","event":"conn","action":"open","conn":"1","tls":{"resumed":true}}
{"ts":"2026-03-01T10:00:01Z","event":"exchange","conn":"1","stream":1,"url":"https://a.example","status":200,"cache":"hit","response_bytes":99999,"receive_ms":1}
{"ts":"2026-03-01T10:00:02Z","event":"conn","action":"close","conn":"1","segments_sent":3,"segments_received":4}`, true)
	f.Add(`{"event":"exchange","error":{"class":"aborted"},"total_ms":40000}
{"event":"exchange","module":{"kind":"sumdb-lookup"},"url":"https://sum.example/x"}
{"event":"frame","dir":"recv","conn":"1","stream":1,"headers":[{"name":"content-type","value":"text/html"}]}`, false)
	f.Fuzz(func(t *testing.T, lines string, timedOut bool) {
		r := &recording{measures: newMeasures(), timedOut: timedOut, conns: make(map[string]*conn), html: make(map[stream]bool)}
		events, exchanges := 0, int64(0)
		for line := range strings.Lines(lines) {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				continue
			}
			if events++; e.Kind == "exchange" && !e.sumdb() {
				exchanges++
			}
			r.take(&e)
		}
		if r.requests != exchanges || max(r.reused, r.hits+r.misses, r.pages, r.opens, r.unanswered, r.resumed) > exchanges || r.resumed > r.handshakes {
			t.Errorf("%d exchanges give %+v", exchanges, *r.measures)
		}
		if len(r.conns) > events || len(r.html) > events {
			t.Errorf("%d connections, %d pages of %d events", len(r.conns), len(r.html), events)
		}
	})
}
