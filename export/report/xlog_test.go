package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// xget writes the begin and the end of a request.
func xget(url, end string) string { return "# get " + url + "\n# get " + url + ": " + end + "\n" }

const (
	xA = "https://a.example/go/example.com/m/@v/"
	xB = "https://b.example/example.com/m/@v/"
)

// xSample is a log of two proxies, of which the first lacks a module, and of the repository of
// another.
var xSample = xget(xA+"v1.0.0.info", "404 Not Found (0.030s)") +
	xget(xB+"v1.0.0.info", "200 OK (0.050s)") +
	"# get " + xB + "v1.0.0.mod\n# get " + xB + "v1.0.0.zip\n" +
	"go: downloading example.com/m v1.0.0\n" +
	"# get " + xB + "v1.0.0.mod: 200 OK (0.100s)\n# get " + xB + "v1.0.0.zip: 200 OK (0.150s)\n" +
	xget("https://a.example/go/example.com/n/@v/v1.1.0.info", "410 Gone (0.030s)") +
	xget("https://b.example/example.com/n/@v/v1.1.0.info", "404 Not Found (0.030s)") +
	xget("https://example.com/n?go-get=1", "200 OK (0.040s)") +
	"cd /m/cache/vcs/7b7c; git fetch -f origin\n0.200s # cd /m/cache/vcs/7b7c; git fetch -f origin\n" +
	"mkdir -p $WORK/b001/\ncat >$WORK/b001/importcfg << 'EOF' # internal\nEOF\n"

// near reports whether a quantile is within 1 % of a time in milliseconds.
func near(q *Quantiles, ms float64) bool { return q != nil && math.Abs(float64(q.P50)-ms) <= ms/100 }

func TestLogTables(t *testing.T) {
	r := read(t, xSample).Report()
	got := map[string][]int64{}
	for _, p := range r.Proxies {
		got[p.Proxy] = []int64{p.Requests, p.Failures["http_4xx"], int64(p.Bytes), int64(p.Conns), int64(p.Redirects)}
		if p.Wait == nil || p.Total != nil || p.Rate != nil || p.RTT != nil || p.TLS != nil {
			t.Errorf("%s: got times %+v", p.Proxy, p)
		}
	}
	want := map[string][]int64{
		"https://a.example/go": {2, 2, -1, -1, -1}, "https://b.example": {4, 1, -1, -1, -1}, "https://example.com": {1, 0, -1, -1, -1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("proxies, -want +got:\n%s", diff)
	}
	kinds := map[string]int64{}
	for _, k := range r.Kinds {
		kinds[k.Kind] = k.Requests
		if k.Kind == "zip" && !near(k.Wait, 150) {
			t.Errorf("zip: got %+v", k.Wait)
		}
	}
	if diff := cmp.Diff(map[string]int64{"info": 4, "mod": 1, "zip": 1}, kinds); diff != "" {
		t.Errorf("kinds, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]Fallback{
		{"https://a.example/go", "404", "https://b.example", 1, 30, ""},
		{"https://a.example/go", "410", "https://b.example", 1, 30, ""},
		{"https://b.example", "404", "direct", 1, 30, ""},
	}, r.Fallbacks); diff != "" {
		t.Errorf("fallbacks, -want +got:\n%s", diff)
	}
	if len(r.Modules) != 2 || r.Modules[0].Path != "example.com/m" || r.Modules[0].Requests != 4 || r.Modules[0].Wait != 330 || r.Modules[0].LongestWait != 150 {
		t.Errorf("modules: %+v", r.Modules)
	}
	if diff := cmp.Diff([]Direct{{"git fetch -f origin", 1, Unknown, 200, 200}}, r.Direct); diff != "" {
		t.Errorf("direct, -want +got:\n%s", diff)
	}
	// The mod was under way while the zip was: 30 + 50 + 150 + 30 + 30 + 40, and git.
	if l := r.Logs; l == nil || l.Wait != 330 || l.VCS != 200 || l.Requests != 7 || l.Runs != 1 || l.OtherLines != 3 || r.SkippedLines != 0 {
		t.Errorf("logs: %+v, %d skipped", l, r.SkippedLines)
	}
}

// TestLogUnknown demands that a report says of nothing that it is 0 where a log does not say it.
func TestLogUnknown(t *testing.T) {
	r := read(t, xSample).Report()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Wall    any            `json:"wall_ms"`
		Time    map[string]any `json:"time"`
		Proxies []map[string]any
		Kinds   []map[string]any
		Modules []map[string]any
		Direct  []map[string]any
		Windows map[string]any
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"vcs_ms": 200.0, "wait_ms": 330.0}
	for _, key := range []string{"dns_ms", "connect_ms", "tls_ms", "send_ms", "receive_ms", "stall_ms", "other_ms", "idle_ms"} {
		want[key] = nil
	}
	if diff := cmp.Diff(want, got.Time); diff != "" || got.Wall != nil {
		t.Errorf("wall %v, time, -want +got:\n%s", got.Wall, diff)
	}
	for what, list := range map[string][]map[string]any{"proxies": got.Proxies, "kinds": got.Kinds, "modules": got.Modules, "direct": got.Direct, "windows": {got.Windows}} {
		unknown := map[string][]string{
			"proxies": {"total_ms", "bytes", "mb_per_s", "redirects", "conns", "reused", "tls_ms", "rtt_ms", "retransmits", "out_of_order"},
			"kinds":   {"total_ms", "bytes", "mb_per_s", "redirects"},
			"modules": {"bytes", "total_ms", "longest_ms"},
			"direct":  {"failed"},
			"windows": {"stalls"},
		}[what]
		for _, one := range list {
			for _, key := range unknown {
				if v, ok := one[key]; !ok || v != nil {
					t.Errorf("%s: %s is %v", what, key, v)
				}
			}
		}
	}
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"1 log of go -x, which has no clock", "until responses began  ≥ 330.0", "wall time              ≥ 530.0", "≥ 150.0", "h2trace -o"} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("the text has no %q:\n%s", s, out.String())
		}
	}
}

// TestLogForms reads one log in the forms in which shells and build services keep it.
func TestLogForms(t *testing.T) {
	each := func(f func(i int, line string) string) string {
		var b strings.Builder
		for i, line := range strings.Split(strings.TrimSuffix(xSample, "\n"), "\n") {
			b.WriteString(f(i, line) + "\n")
		}
		return b.String()
	}
	wide := func(s string, big bool) string {
		var b strings.Builder
		for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
			low, high := byte(u), byte(u>>8)
			if big {
				low, high = high, low
			}
			b.Write([]byte{low, high})
		}
		return b.String()
	}
	crlf := strings.ReplaceAll(xSample, "\n", "\r\n")
	want := read(t, xSample).Report()
	for name, text := range map[string]string{
		"CRLF":           crlf,
		"mark":           "\ufeff" + crlf,
		"PowerShell":     wide(crlf, false),
		"big endian":     wide(crlf, true),
		"GitHub Actions": each(func(i int, line string) string { return fmt.Sprintf("2026-01-02T03:04:%02d.6789012Z %s", i, line) }),
		"docker build":   each(func(i int, line string) string { return fmt.Sprintf("#12 %d.456 %s", i, line) }),
		"no last end":    strings.TrimSuffix(xSample, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, text).Report()
			if l := got.Logs; l.Wall.known() {
				if l.Wall != 16000 || l.Wait != 430 { // no two requests at once
					t.Errorf("got %+v", l)
				}
				return
			}
			if diff := cmp.Diff(encoded(t, want), encoded(t, got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func encoded(t *testing.T, r *Report) (out map[string]any) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLogInterleaved has two commands write to one file, with lines of other programs.
func TestLogInterleaved(t *testing.T) {
	const zip = xB + "v1.0.0.zip"
	r := read(t, "# get "+zip+"\nÜbersetzung läuft\n# get "+zip+"\n# get "+zip+": 200 OK (0.300s)\nПредупреждение: 404 (0.1s)\n"+
		"# get "+zip+": 200 OK (0.400s)\n警告\n{\n\t\"Path\": \"example.com/m\"\n}\n# get "+xB+"list: 200 OK (0.100s)\n").Report()
	if p := r.Proxies; len(p) != 1 || p[0].Requests != 3 || len(p[0].Failures) > 0 {
		t.Errorf("got %+v", p)
	}
	// The request whose begin is missing was not in the time that the log shows.
	if l := r.Logs; l.Wait != 400 || l.Unended != 0 || l.OtherLines != 6 || l.Lines != 5 || r.SkippedLines != 0 {
		t.Errorf("got %+v", l)
	}
}

// TestNoLog demands that text which -x does not print makes no log.
func TestNoLog(t *testing.T) {
	r := read(t, "hello\ngo: downloading example.com/m v1.0.0\n# get going\n").Report()
	if r.Logs != nil || r.Runs != 0 || r.SkippedLines != 3 {
		t.Errorf("got %+v, %d runs, %d skipped", r.Logs, r.Runs, r.SkippedLines)
	}
}

// TestLogClock reads a log with times before its lines: two requests at once, a body of a
// second, and git.
func TestLogClock(t *testing.T) {
	var b strings.Builder
	line := func(ms float64, text string) { fmt.Fprintf(&b, "%s %s\n", at(ms)[:23]+"Z", text) }
	line(0, "# get "+xA+"v1.0.0.mod")
	line(100, "# get "+xA+"v1.0.1.mod")
	line(1000, "# get "+xA+"v1.0.0.mod: 200 OK (1.000s)")
	line(1500, "# get "+xA+"v1.0.1.mod: 200 OK (1.400s)")
	line(2500, "cd /m; git fetch origin")
	line(3000, "0.500s # cd /m; git fetch origin")
	line(3000, "# get "+xA+"v1.0.0.zip")
	r := read(t, b.String()).Report()
	if l := r.Logs; l.Wait != 1500 || l.VCS != 500 || l.Wall != 3000 {
		t.Errorf("got %+v", l)
	}
	if v := r.Verdict; v.Cause != ServerWait || !strings.Contains(v.Text, "at least 1.50 s passed until responses began, of 3.00 s;") {
		t.Errorf("got %+v", v)
	}
	line(9000, "# get "+xA+"v1.0.0.zip: 200 OK (0.001s)") // where the time before it went, nothing says
	r = read(t, b.String()).Report()
	if l := r.Logs; l.Wait != 1501 || l.Wall != 9000 {
		t.Errorf("got %+v", l)
	}
	var out strings.Builder
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"1 log of go -x, by the times before its lines", "wall time              ≥ 9000.0  100 %", "a log of go -x has no sizes"} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("the text has no %q:\n%s", s, out.String())
		}
	}
}

// TestLogCredentials has a proxy whose entry in GOPROXY has credentials: a line without these
// would break it.
func TestLogCredentials(t *testing.T) {
	log := strings.Repeat(xget("https://user:xxxxx@a.example/example.com/m/@v/v1.0.0.info", "200 OK (0.050s)"), 5)
	if s, err := read(t, log).Suggest(); !errors.Is(err, errHidden) || s.Command != "" {
		t.Errorf("got %+v, %v", s, err)
	}
}
