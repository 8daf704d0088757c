package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// convert makes a file of a format of recordings.
func convert(t *testing.T, format string, files ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), format+".json")
	r := invoke(t, invocation{args: append([]string{"convert", format, "-o", file}, files...)})
	if r.status != 0 || r.stderr != "" || r.stdout != "" {
		t.Fatalf("convert: exit status %d\n%s", r.status, indent(r.stderr))
	}
	return file
}

// npmModule returns the directory of a package that scripts/setup has installed.
func npmModule(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "bin", "npm", "node_modules", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("scripts/setup has not run: " + err.Error())
	}
	return dir
}

// browse opens a page of a site in Chromium, and returns it as it is when its scripts have run.
func browse(t *testing.T, site http.Handler, page string) string {
	t.Helper()
	needPrograms(t, "chromium")
	server := httptest.NewServer(site)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	profile, err := os.MkdirTemp("", "h2trace-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(profile) }() // helpers of the browser may still write to it
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+profile, "--virtual-time-budget=60000", "--dump-dom", server.URL+"/"+page)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = promptly // helpers may hold the pipes
	dom, err := cmd.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("chromium: %v\n%s", err, indent(stderr.String()))
	}
	return string(dom)
}

// siteWith serves a directory, and some files besides.
func siteWith(dir string, files map[string]string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(dir)))
	for name, file := range files {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	return mux
}

// opened is a trace as the trace viewer of chrome://tracing and "go tool trace" opens it, which
// is in the source of Go. Times are milliseconds.
type opened struct {
	Error    string
	Warnings []struct{ Type, Message string }
	Slices   []slice
	Counters map[string]int // samples by name
}

// slice is a span of a trace.
type slice struct {
	Process, Thread, Title, Category string
	Parent                           string // category of the one around it
	Start, End                       float64
}

// viewerPage imports a trace without drawing it, and says what it has become.
const viewerPage = `<html><head><script src="webcomponents.min.js"></script><script>
function ready() {
	const request = new XMLHttpRequest();
	request.open('GET', '/trace.json');
	request.onload = () => {
		const out = {Slices: [], Counters: {}};
		try {
			const options = new tr.importer.ImportOptions();
			options.shiftWorldToZero = false;
			const model = new tr.Model();
			new tr.importer.Import(model, options).importTraces([request.responseText]);
			out.Warnings = model.importWarnings;
			for (const p of Object.values(model.processes)) {
				for (const t of Object.values(p.threads))
					for (const s of t.sliceGroup.slices)
						out.Slices.push({Process: p.name, Thread: t.name, Title: s.title, Category: s.category,
							Parent: s.parentSlice ? s.parentSlice.category : '', Start: s.start, End: s.end});
				for (const c of Object.values(p.counters))
					out.Counters[c.name] = c.series[0].samples.length;
			}
		} catch (e) {
			out.Error = String(e);
		}
		const pre = document.createElement('pre');
		pre.id = 'out';
		pre.textContent = JSON.stringify(out);
		document.body.appendChild(pre);
	};
	request.send();
}
</script><link rel="import" href="trace_viewer_full.html" onload="ready()"></head><body></body></html>`

var openedPage = regexp.MustCompile(`<pre id="out">([^<]*)</pre>`)

// openTrace opens a trace in the trace viewer.
func openTrace(t *testing.T, file string) (o opened) {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(page, []byte(viewerPage), 0o600); err != nil {
		t.Fatal(err)
	}
	static := filepath.Join(strings.TrimSpace(string(goroot)), "src", "internal", "trace", "traceviewer", "static")
	dom := browse(t, siteWith(static, map[string]string{"trace.json": file, "page.html": page}), "page.html")
	m := openedPage.FindStringSubmatch(dom)
	if m == nil {
		t.Fatalf("the trace viewer has imported nothing:\n%s", indent(dom))
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &o); err != nil {
		t.Fatal(err)
	}
	if o.Error != "" || len(o.Warnings) > 0 {
		t.Errorf("the trace viewer says %s %v", o.Error, o.Warnings)
	}
	return o
}

// speedscopeRow is a profile in the list of speedscope: its name, and how long its spans are.
var speedscopeRow = regexp.MustCompile(`<tr title="([^"]*)".*?<td[^>]*>([0-9.]+)(ns|µs|ms|s)</td></tr>`)

// openSpeedscope opens a trace in speedscope. It returns how many milliseconds the spans of each
// lane are long.
func openSpeedscope(t *testing.T, file string) map[string]float64 {
	t.Helper()
	release := filepath.Join(npmModule(t, "speedscope"), "dist", "release")
	dom := browse(t, siteWith(release, map[string]string{"trace.json": file}), "index.html#profileURL=/trace.json")
	lanes := make(map[string]float64)
	unit := map[string]float64{"ns": 1e-6, "µs": 1e-3, "ms": 1, "s": 1e3}
	for _, m := range speedscopeRow.FindAllStringSubmatch(dom, -1) {
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		lanes[html.UnescapeString(m[1])] += n * unit[m[3]]
	}
	if len(lanes) == 0 {
		t.Fatalf("speedscope lists no profile:\n%s", indent(dom))
	}
	return lanes
}
