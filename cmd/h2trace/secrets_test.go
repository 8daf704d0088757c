//go:build linux

package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// TestNoSecretInFiles makes everything of recordings that others are to read: events with their
// secrets and without, a log of "go -x" and spans of go commands. Of events with their secrets it
// is what it is of those without.
func TestNoSecretInFiles(t *testing.T) {
	of := recordings(t)
	for _, args := range fileCommands {
		made := make(map[string]madeOf)
		for name, input := range of {
			made[name] = makeOf(t, args, input)
			for kind, output := range made[name] {
				if at := strings.Index(output, unescaped); at >= 0 {
					t.Errorf("%v of %s: %s has the secret: %s", args, name, kind, output[max(0, at-100):at+len(unescaped)])
				}
			}
			if strings.Join(slices.Collect(maps.Values(made[name])), "") == "" && !slices.Contains(args, "--bench") { // which logs have no part in
				t.Errorf("%v of %s: nothing", args, name)
			}
		}
		if diff := cmp.Diff(made["hidden"], made["shown"]); diff != "" {
			t.Errorf("%v of events with secrets is not as of those without:\n%s", args, diff)
		}
	}
}

// TestSecretsInFiles has what is made of events with --show-secrets show them. A form that has only
// numbers and words of h2trace does not.
func TestSecretsInFiles(t *testing.T) {
	of := recordings(t)
	mark := strings.Trim(redact.Mark, "<>") // which JSON and HTML escape
	for _, args := range fileCommands {
		if slices.Contains(args, "--anonymize") {
			continue // they exclude each other
		}
		hidden := makeOf(t, args, of["shown"])
		shown := makeOf(t, append(slices.Clone(args), "--show-secrets"), of["shown"])
		said := "h2trace: " + secretsShown + "\n"
		if !strings.HasPrefix(shown["stderr"], said) || strings.Contains(shown["stderr"], unescaped) {
			t.Errorf("%v: stderr is %s", args, shown["stderr"])
		}
		for kind, output := range shown {
			if kind == "stderr" {
				continue
			}
			if at := strings.Index(output, mark); at >= 0 {
				t.Errorf("%v: %s hides something: %s", args, kind, output[max(0, at-100):at+len(mark)])
			}
			if hides, shows := strings.Contains(hidden[kind], mark), strings.Contains(output, unescaped); hides != shows {
				t.Errorf("%v: %s has the secret: %v; without --show-secrets, its place: %v", args, kind, shows, hides)
			}
		}
		if args[0] == "replay" && len(args) == 1 {
			want, err := os.ReadFile(of["shown"])
			if err != nil || shown["stdout"] != string(want) {
				t.Errorf("replay changes what was recorded (%v): %s", err, shown["stdout"])
			}
		}
	}
}

// unescaped is the part of planted.Secret that no form escapes, as Markdown does "_".
var unescaped = planted.Secret[len("ghp_"):]

// fileCommands are the commands that read recordings, in each form. What --html writes is looked
// at where it is "page".
var fileCommands = [][]string{
	{"report"},
	{"report", "--json"},
	{"report", "--markdown"},
	{"report", "--html", "page"},
	{"report", "--bench"},
	{"report", "--prometheus"},
	{"report", "--suggest"},
	{"report", "--group-by", "host"},
	{"report", "--group-by", "region"},
	{"report", "--anonymize"},
	{"report", "--assert", "count(total) < 1"},
	{"report", "--diff"},
	{"convert", "trace"},
	{"convert", "har"},
	{"replay"},
	{"replay", "-f", "text"},
	{"replay", "-f", "text", "--verbose"},
}

// recordings writes files to be read, each with the secret but that of events without secrets.
func recordings(t *testing.T) (paths map[string]string) {
	dir, paths := t.TempDir(), make(map[string]string)
	for name, content := range map[string]string{
		"shown":  string(planted.Events(export.Options{ShowSecrets: true})),
		"hidden": string(planted.Events(export.Options{})),
		"log": strings.ReplaceAll(`# get https://goproxy.example/SECRET/m.example/a/@v/list
# get https://goproxy.example/SECRET/m.example/a/@v/list: 200 OK (0.100s)
# get https://u:SECRET@other.example/m.example/a/@v/v1.0.0.info
# get https://u:SECRET@other.example/m.example/a/@v/v1.0.0.info: Get "https://u:SECRET@other.example/": dial tcp: lookup other.example: no such host
cd /tmp/vcs; git -c http.extraHeader="PRIVATE-TOKEN: SECRET" fetch https://SECRET@git.example/a
0.200s # cd /tmp/vcs; git -c http.extraHeader="PRIVATE-TOKEN: SECRET" fetch https://SECRET@git.example/a
go: m.example/a@v1.0.0: git fetch https://SECRET@git.example/a in /tmp/vcs: exit status 128:
	fatal: Authentication failed for 'https://SECRET@git.example/a'
`, "SECRET", planted.Secret),
		"spans": strings.ReplaceAll(`[{"name":"Running git -c core.askPass=SECRET","ph":"B","ts":1790000000000000,"pid":0,"tid":1}
,{"name":"Running git -c core.askPass=SECRET","ph":"E","ts":1790000001000000,"pid":0,"tid":1}
`, "SECRET", planted.Secret),
	} {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// madeOf is what a command writes: stdout, stderr, and the page of --html.
type madeOf map[string]string

// makeOf runs a command on a file, two of which --diff takes.
func makeOf(t *testing.T, args []string, input string) madeOf {
	page := filepath.Join(t.TempDir(), "page.html")
	args = slices.Clone(args)
	if i := slices.Index(args, "page"); i >= 0 {
		args[i] = page
	}
	if slices.Contains(args, "--diff") {
		args = append(args, input)
	}
	var stdout, stderr bytes.Buffer
	run(append(args, input), nil, &stdout, &stderr)
	made := madeOf{"stdout": stdout.String(), "stderr": strings.ReplaceAll(stderr.String(), input, "INPUT")}
	if content, err := os.ReadFile(page); err == nil {
		made["page"] = string(content)
	} else if slices.Contains(args, page) && !strings.Contains(made["stderr"], "h2trace: ") {
		t.Error(err)
	}
	return made
}
