//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/planted"
	"h2trace/export"
	"h2trace/export/redact"
)

// TestNoSecretInTotals is about the report of -c, and the verdict on stderr, with --show-secrets.
func TestNoSecretInTotals(t *testing.T) {
	var opts Options
	opts.Command, opts.ShowSecrets = []string{"true"}, true
	v := newOverview(&opts)
	for line := range bytes.Lines(planted.Events(export.Options{ShowSecrets: true})) {
		v.lines.Add(bytes.TrimSpace(line))
	}
	r, _ := v.report()
	var out strings.Builder
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String() + strings.Join(r.Glance(), "\n")
	if strings.Contains(text, planted.Secret) || !strings.Contains(text, redact.Mark) {
		t.Errorf("the secret is in it, or nothing is:\n%s", text)
	}
}

// TestNoSecretInReports makes everything of events that were recorded with --show-secrets, and
// of a log of "go -x", that others are to read. What convert and replay make of recorded
// events is as these are.
func TestNoSecretInReports(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	shown := file("shown.jsonl", planted.Events(export.Options{ShowSecrets: true}))
	hidden := file("hidden.jsonl", planted.Events(export.Options{}))
	log := file("go.log", []byte(strings.ReplaceAll(`# get https://goproxy.example/SECRET/m.example/a/@v/list
# get https://goproxy.example/SECRET/m.example/a/@v/list: 200 OK (0.100s)
# get https://u:SECRET@other.example/m.example/a/@v/v1.0.0.info
# get https://u:SECRET@other.example/m.example/a/@v/v1.0.0.info: Get "https://u:SECRET@other.example/": dial tcp: lookup other.example: no such host
cd /tmp/vcs; git -c http.extraHeader="PRIVATE-TOKEN: SECRET" fetch https://SECRET@git.example/a
0.200s # cd /tmp/vcs; git -c http.extraHeader="PRIVATE-TOKEN: SECRET" fetch https://SECRET@git.example/a
go: m.example/a@v1.0.0: git fetch https://SECRET@git.example/a in /tmp/vcs: exit status 128:
	fatal: Authentication failed for 'https://SECRET@git.example/a'
`, "SECRET", planted.Secret)))
	trace := file("spans", []byte(`[{"name":"Running git -c core.askPass=`+planted.Secret+`","ph":"B","ts":1790000000000000,"pid":0,"tid":1}`+"\n"+
		`,{"name":"Running git -c core.askPass=`+planted.Secret+`","ph":"E","ts":1790000001000000,"pid":0,"tid":1}`+"\n"))
	page := filepath.Join(dir, "page.html")
	for _, args := range [][]string{
		{"report"},
		{"report", "--json"},
		{"report", "--markdown"},
		{"report", "--html", page},
		{"report", "--bench"},
		{"report", "--prometheus"},
		{"report", "--suggest"},
		{"report", "--group-by", "host"},
		{"report", "--group-by", "region"},
		{"report", "--anonymize"},
		{"report", "--assert", "count(total) < 1"},
		{"report", "--diff", shown},
		{"convert", "trace"},
		{"convert", "har"},
		{"replay"},
		{"replay", "-f", "text"},
	} {
		for _, input := range []string{shown, hidden, log, trace} {
			if args[0] != "report" && input == shown {
				continue // as recorded
			}
			var stdout, stderr bytes.Buffer
			run(append(args, input), nil, &stdout, &stderr)
			made, err := os.ReadFile(page)
			if err == nil {
				_ = os.Remove(page) // the next one is written anew
			} else if args[len(args)-1] == page && !strings.Contains(stderr.String(), "h2trace: ") {
				t.Error(err)
			}
			for name, output := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String(), "page": string(made)} {
				if at := strings.Index(output, planted.Secret); at >= 0 {
					t.Errorf("%v of %s: %s has the secret: %s", args, filepath.Base(input), name, output[max(0, at-100):at+len(planted.Secret)])
				}
			}
			if stdout.Len()+stderr.Len()+len(made) == 0 && args[len(args)-1] != "--bench" { // which logs have no part in
				t.Errorf("%v of %s: nothing", args, filepath.Base(input))
			}
		}
	}
}
