package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// logReport holds the fields of h2trace report --json that come of a log of "go -x" too.
type logReport struct {
	Runs    int
	Wall    *float64 `json:"wall_ms"` // unknown for a log
	Proxies []struct {
		Proxy    string
		Requests int
		Failures map[string]int
	}
	Kinds []struct {
		Kind     string
		Requests int
		Failures map[string]int
	}
	Modules []struct {
		Path, Version      string
		Requests, Failures int
		Wait               float64 `json:"wait_ms"`
	}
	Fallbacks []struct {
		From, Why, To string
		Count         int
	}
	Direct  []struct{ Command string }
	Verdict struct{ Cause, Text string }
	Logs    *struct {
		Runs, Recorded, Requests int
		InEvents                 int `json:"in_events"`
		Unended                  int
		Wait                     float64 `json:"wait_ms"`
		VCS                      float64 `json:"vcs_ms"`
	}
}

// TestGoLog records a go command that prints what it does with -x. Its log alone says the same
// of proxies, kinds, modules and fallbacks as the events; with the events it adds nothing.
func TestGoLog(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/listed", 6, 1000)
	lacking := modproxy.Start(t, a, mods[:3], modproxy.Options{})
	full := modproxy.Start(t, a, mods, modproxy.Options{})
	empty := modproxy.Start(t, a, nil, modproxy.Options{})
	repo := newRepository(t)
	tests := []struct {
		name    string
		goproxy string
		require []modproxy.Module
		args    []string
		status  int
		unmade  bool // connections: the log has their requests, the events have not
	}{
		{name: "fallback", goproxy: lacking.URL + "," + full.URL, require: mods},
		{name: "missing", goproxy: full.URL, args: []string{"example.test/no@v1.0.0", "example.test/never@v1.0.0", "example.test/nor@v1.0.0"}, status: 1},
		{name: "refused", goproxy: "https://" + closedAddr(t) + "|" + full.URL, require: mods[:2], unmade: true},
		{name: "direct", goproxy: empty.URL + ",direct", args: []string{"example.test/repo.git@v1.0.0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := modproxy.NewWorkspace(t, a, tt.require)
			env := append(w.Env[:len(w.Env):len(w.Env)], "GOPROXY="+tt.goproxy,
				"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+repo+".insteadOf", "GIT_CONFIG_VALUE_0=https://example.test/repo")
			tr := startTracing(t, command{args: append([]string{"go", "mod", "download", "-x"}, tt.args...), dir: w.Dir, env: env})
			r := tr.wait()
			if r.status != tt.status {
				t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
			}
			events, log, both := reportOf(t, tr.events), reportOf(t, tr.log), reportOf(t, tr.log, tr.events)
			begun := 0
			for line := range strings.Lines(r.stderr) {
				if strings.HasPrefix(line, "# get ") && !strings.Contains(line, ": ") {
					begun++
				}
			}
			if log.Logs == nil || log.Logs.Unended != 0 || log.Logs.Requests != begun || begun == 0 {
				t.Errorf("the log alone: %+v, want %d requests", log.Logs, begun)
			}
			// Of both, the log says the least. Where the machine is busy, time passes between the
			// begin of a request and its line.
			if l := log.Logs; l != nil && (log.Wall != nil || l.Wait+l.VCS > 1.5**events.Wall) {
				t.Errorf("the log alone: wall time %v, at least %.3f ms, by the events %.3f", log.Wall, l.Wait+l.VCS, *events.Wall)
			}
			if both.Logs == nil || both.Logs.Requests != 0 || both.Logs.InEvents != log.Logs.Requests || both.Runs != 1 {
				t.Errorf("both: %+v, %d runs", both.Logs, both.Runs)
			}
			both.Logs = nil
			if diff := cmp.Diff(events, both); diff != "" {
				t.Errorf("-events +events and log:\n%s", diff)
			}
			if tt.status != 0 && log.Verdict.Cause != events.Verdict.Cause { // otherwise the time decides, which a busy machine makes longer
				t.Errorf("the log: %+v, the events: %+v", log.Verdict, events.Verdict)
			}
			if !tt.unmade {
				compareLog(t, &log, &events, r.stream)
			}
			if t.Failed() {
				t.Log(indent(r.stderr))
			}
		})
	}
}

func reportOf(t *testing.T, files ...string) (r logReport) {
	t.Helper()
	out, err := exec.Command(bin(t, "h2trace"), append([]string{"report", "--json"}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// compareLog compares the report of a log with that of the events. The go command asks again,
// with credentials if there are some, after a 4xx (Go 1.24): its log has one line for both.
func compareLog(t *testing.T, log, events *logReport, stream *contract.Stream) {
	t.Helper()
	list, err := stream.Exchanges()
	if err != nil {
		t.Fatal(err)
	}
	again := map[string]int{} // by URL: refused requests
	ended := map[string]int{} // what the log has, by proxy, kind and module
	waits := map[string]float64{}
	for _, e := range list {
		if e.Module == nil {
			t.Errorf("not for a module: %s", e.URL)
			continue
		}
		name := e.Module.Path + "@" + e.Module.Version
		waits[name] += *e.Wait
		if e.Status/100 == 4 {
			if again[e.URL]++; again[e.URL]%2 == 0 {
				continue
			}
		}
		ended["proxy "+e.Module.Proxy]++
		ended["kind "+e.Module.Kind]++
		ended["module "+name]++
	}
	got := map[string]int{}
	for _, p := range log.Proxies {
		got["proxy "+p.Proxy] = p.Requests
	}
	for _, k := range log.Kinds {
		got["kind "+k.Kind] = k.Requests
	}
	for _, m := range log.Modules {
		name := m.Path + "@" + m.Version
		got["module "+name] = m.Requests
		// The log counts whole milliseconds, of each request.
		if m.Wait+float64(m.Requests) < waits[name] {
			t.Errorf("%s: %.3f ms until responses began, %.3f by the events", name, m.Wait, waits[name])
		}
	}
	if diff := cmp.Diff(ended, got); diff != "" {
		t.Errorf("-events +log:\n%s", diff)
	}
	steps := func(r *logReport) map[string]bool {
		list := map[string]bool{}
		for _, f := range r.Fallbacks {
			list[fmt.Sprintf("%s %s %s", f.From, f.Why, f.To)] = true
		}
		return list
	}
	want := steps(events)
	for step := range want {
		if strings.HasSuffix(step, " none") {
			delete(want, step) // a log does not have GOPROXY
		}
	}
	if diff := cmp.Diff(want, steps(log)); diff != "" {
		t.Errorf("fallbacks, -events +log:\n%s", diff)
	}
	// Events also have the git commands of git, and those that the go command runs to find out
	// whether there is a repository.
	for _, d := range log.Direct {
		unquoted := strings.ReplaceAll(d.Command, "'", "")
		if !slices.ContainsFunc(events.Direct, func(e struct{ Command string }) bool { return e.Command == unquoted }) {
			t.Errorf("no event of %s: %+v", d.Command, events.Direct)
		}
	}
	if (len(log.Direct) == 0) != (len(events.Direct) == 0) {
		t.Errorf("git: %+v, by the events %+v", log.Direct, events.Direct)
	}
}
