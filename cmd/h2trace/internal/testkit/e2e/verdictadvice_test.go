package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// grievance is a go command that fails with a message.
type grievance struct {
	situation
	// instead are the responses of the module proxy, by path: files of oneModule, and
	// the page of goproxy.example/m.
	instead map[string]http.HandlerFunc
	plain   bool   // the module proxy has no TLS
	goproxy string // {} is the URL of the module proxy
	relay   int    // through an HTTP proxy to the module proxy, which responds so to CONNECT; 0: without
	args    []string
	files   map[string]string // in the main module
	env     func(t *testing.T, proxy string) []string
	ok      bool   // it succeeds
	release string // of the go command; empty: the one that runs the tests

	class     string   // of the complaint; empty: there is none
	requests  []string // URLs in the complaint, by their ends
	processes int
}

const (
	oneFile  = "/example.test/one/m000/@v/v1.0.0"
	usesOne  = "package main\n\nimport _ \"example.test/one/m000\"\n"
	requires = "module example.test/main\n\ngo 1.21\n\nrequire example.test/one/m000 v1.0.0\n"
)

var (
	downloadOne  = []string{"mod", "download", "example.test/one/m000@v1.0.0"}
	downloadPage = []string{"mod", "download", "goproxy.example/m@v1.0.0"}
	// noProxy are words that must not appear if no proxy was asked.
	noProxy = []string{"another proxy", "--suggest", "nearer"}
	twice   = []string{"2 times", "3 times", "requests failed", "connections failed"}
)

// says responds with a status.
func says(status int, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		http.Error(w, "so it was asked for", status)
	}
}

// with responds with a body.
func with(body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		_, _ = w.Write([]byte(body))
	}
}

func instead(file string, h http.HandlerFunc) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{file: h}
}

// environment is for grievances whose environment does not depend on the test.
func environment(list ...string) func(*testing.T, string) []string {
	return func(*testing.T, string) []string { return list }
}

// run runs the go command under h2trace, and compares its complaint.
func (g *grievance) run(t *testing.T, l *lab) string {
	t.Helper()
	proxy := modproxy.Start(t, l.authority, oneModule, modproxy.Options{Instead: g.instead, Plain: g.plain})
	w := modproxy.NewWorkspace(t, l.authority, nil)
	for name, text := range g.files {
		if err := os.WriteFile(filepath.Join(w.Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list := g.goproxy
	if list == "" {
		list = "{}"
	}
	env := append(w.Env, "GOPROXY="+strings.ReplaceAll(list, "{}", proxy.URL), "GIT_TERMINAL_PROMPT=0")
	if g.relay != 0 {
		status := g.relay
		if status == http.StatusOK {
			status = 0
		}
		env = append(env, "HTTPS_PROXY=http://"+startRelay(t, nil, proxy.URL, status).addr)
	}
	if g.env != nil {
		env = append(env, g.env(t, proxy.URL)...)
	}
	status := 1
	if g.ok {
		status = 0
	}
	goCommand := "go"
	if g.release != "" {
		root := toolchain(t, g.release)
		goCommand, env = filepath.Join(root, "bin", "go"), append(env, "GOROOT="+root)
	}
	events := traced(t, status, command{args: append([]string{goCommand}, g.args...), dir: w.Dir, env: env})
	g.complained(t, events)
	return events
}

// complained requires the complaint, with its expected subject, from each of them.
func (g *grievance) complained(t *testing.T, events string) {
	t.Helper()
	said := false
	for _, e := range streamOf(t, events).Of("process") {
		var p struct {
			Action    string
			Error     struct{ Class string }
			Requests  []struct{ URL string }
			Processes []struct {
				PID  int
				Args []string
				Code int `json:"exit_code"`
			}
		}
		if err := json.Unmarshal([]byte(e.Raw), &p); err != nil {
			t.Fatal(err)
		}
		if p.Action != "error" {
			continue
		}
		said = true
		if p.Error.Class != g.class {
			t.Errorf("the complaint is of class %s, want %q: %s", p.Error.Class, g.class, e.Raw)
		}
		var urls []string // go asks again with credentials, which it may lack
		for _, r := range p.Requests {
			if !slices.Contains(urls, r.URL) {
				urls = append(urls, r.URL)
			}
		}
		if !slices.EqualFunc(urls, g.requests, strings.HasSuffix) || len(p.Processes) != g.processes {
			t.Errorf("it speaks of %d processes, want %d, and of %v, want %v: %s", len(p.Processes), g.processes, urls, g.requests, e.Raw)
		}
		for _, one := range p.Processes {
			if one.PID == 0 || len(one.Args) == 0 || one.Args[0] != "git" || one.Code == 0 {
				t.Errorf("it speaks of %+v, want git", one)
			}
		}
	}
	if said != (g.class != "") {
		t.Errorf("a complaint: %v, want one of class %q", said, g.class)
	}
}

// TestAdviceVerdicts makes the go command fail, and expects its complaint and the
// advice of the report.
func TestAdviceVerdicts(t *testing.T) {
	var rows []situation
	for _, list := range [][]grievance{refusals(), directFailures(), brokenAnswers(), ownFailures()} {
		for _, g := range list {
			row := g.situation
			row.run = g.run
			rows = append(rows, row)
		}
	}
	checkSituations(t, rows)
}

// netrc is an environment with credentials for the module proxy.
func netrc(t *testing.T, proxy string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "netrc")
	text := "machine " + strings.TrimPrefix(proxy, "https://") + " login someone password hunter2\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"NETRC=" + file}
}

// sumDB is an environment in which the module proxy must serve the checksum database.
func sumDB(t *testing.T, proxy string) []string {
	t.Helper()
	_, key, err := note.GenerateKey(nil, "sum.example")
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GOSUMDB=" + key + " " + proxy}
}
