package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// kitchen has the requirements of recipes: a module proxy, the programs named in
// them, and the events of a run.
type kitchen struct {
	authority *modproxy.Authority
	mods      []modproxy.Module
	proxy     *modproxy.Server
	site      *site
	tools     string // a directory for PATH
	events    string // file
}

// recipeModules are modules with the names and versions in READMEs.
func recipeModules() []modproxy.Module {
	mods := []modproxy.Module{
		{Path: "golang.org/x/net", Version: "v0.30.0", Payload: 1 << 20},
		{Path: "golang.org/x/tools", Version: "v0.26.0", Payload: 5 << 20},
		{Path: "github.com/google/go-cmp", Version: "v0.6.0", Payload: 1 << 16},
		{Path: "golang.org/x/text", Version: "v0.3.0"},
	}
	return append(mods, modproxy.Modules("example.test/more", 6, 1000)...)
}

func newKitchen(t *testing.T) *kitchen {
	t.Helper()
	k := &kitchen{authority: modproxy.NewAuthority(t), mods: recipeModules(), site: startSite(t), tools: t.TempDir()}
	k.proxy = modproxy.Start(t, k.authority, k.mods, modproxy.Options{})
	// Another user must be able to read it all.
	for _, dir := range []string{filepath.Dir(k.tools), binDir} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(k.authority.CertFile, 0o644); err != nil {
		t.Fatal(err)
	}
	copyFile(t, bin(t, "h2trace"), filepath.Join(k.tools, "h2trace"))
	k.tool(t, "CMD", `exec go mod download`)
	// As sudo is configured in most places. The commands in it keep the rest of the
	// environment, which the test needs.
	k.tool(t, "sudo", `if [ "$1" = env ]; then shift; set -- env "$@"; fi
PATH="`+k.tools+`:/usr/sbin:/usr/bin:/sbin:/bin" SUDO_USER="$USER" "$@"
status=$?
exit $status`)
	at := k.place(t, 99)
	at.run(t, "h2trace -o events.jsonl go mod download")
	k.events = filepath.Join(at.dir, "events.jsonl")
	return k
}

func (k *kitchen) tool(t *testing.T, name, script string) {
	t.Helper()
	child.WriteProgram(t, filepath.Join(k.tools, name), []byte("#!/bin/sh\n"+script+"\n"))
}

// complaint heads the recipe that takes events of a download with a wrong sum.
const complaint = "Which request does the go command complain of?"

// questions heads the recipes that are about a recorded download, and show its answers.
const questions = "Ten questions for jq and Miller"

// recordedDownload returns the events of the recorded download.
func recordedDownload(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(repository, "export", "report", "testdata", "download.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// place is where the recipes under one heading run.
type place struct {
	*kitchen
	dir   string
	env   []string
	gopls string // the stand-in for gopls, by its own name
}

func (k *kitchen) place(t *testing.T, number int, recipes ...recipe) *place {
	t.Helper()
	complains := slices.ContainsFunc(recipes, func(r recipe) bool { return r.heading == complaint })
	sudo := slices.ContainsFunc(recipes, func(r recipe) bool { return strings.HasPrefix(r.command, "sudo ") })
	w := modproxy.NewWorkspace(t, k.authority, k.mods, k.proxy)
	if err := os.Chmod(filepath.Dir(filepath.Dir(w.Dir)), 0o755); err != nil {
		t.Fatal(err)
	}
	p := &place{kitchen: k, dir: w.Dir}
	p.gopls = filepath.Join(t.TempDir(), fmt.Sprintf("gopls.%d.%d", number, os.Getpid()%10000))
	fetch.copyTo(t, p.gopls)
	p.env = append(w.Env, "PATH="+k.tools+":"+os.Getenv("PATH"), "USER=nobody", "GOCACHE="+goEnv(t, "GOCACHE"))
	files := map[string]string{"main.go": "package main\n\nimport _ \"golang.org/x/text\"\n\nfunc main() {}\n", "go.sum": ""}
	if k.events != "" {
		b, err := os.ReadFile(k.events)
		if err != nil {
			t.Fatal(err)
		}
		files["events.jsonl"] = string(b)
	}
	if len(recipes) > 0 && recipes[0].heading == questions {
		files["events.jsonl"] = string(recordedDownload(t))
	}
	if complains {
		files["go.sum"] = "golang.org/x/net v0.30.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if complains {
		_, stderr, status := p.run(t, "h2trace -o events.jsonl go mod download")
		if status != 1 {
			t.Fatalf("status %d of a download with a wrong sum\n%s", status, indent(stderr))
		}
	}
	if sudo {
		for _, file := range []string{p.dir, filepath.Join(p.dir, "go.mod"), filepath.Join(p.dir, "go.sum")} {
			if err := os.Chown(file, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

// goEnv is the value of a variable for the go command of the test.
func goEnv(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// exampleURL is the proxy that READMEs show.
var exampleURL = regexp.MustCompile(`https://[a-z]+\.example\b`)

// try runs a recipe and compares its output with the one shown.
func (p *place) try(t *testing.T, r recipe) {
	t.Helper()
	if notRun[r.command] != "" {
		return
	}
	stdout, stderr, status := p.run(t, r.command)
	said := ""
	switch {
	case status != 0:
		said = fmt.Sprintf("exit status %d", status)
	case len(r.output) > 0 && stdout == "" && !strings.HasPrefix(r.output[0], "h2trace: "):
		said = "nothing on stdout"
	default:
		shown := exampleURL.ReplaceAllLiteralString(strings.Join(r.output, "\n"), p.proxy.URL)
		said = unlike(strings.Split(shown, "\n"), stdout, stderr)
	}
	if said != "" {
		t.Errorf("$ %s\n%s\nstdout:\n%s\nstderr:\n%s", r.command, said, indent(stdout), indent(stderr))
	}
}

// run runs a command line in a shell, with its own module cache. A recipe that
// observes running processes gets two, which send a request each and end. After that
// it gets Ctrl-C if it waits for others.
func (p *place) run(t *testing.T, line string) (stdout, stderr string, status int) {
	t.Helper()
	cache, err := os.MkdirTemp(filepath.Dir(p.dir), "modcache")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cache, 0o777); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(p.gopls)
	byName := strings.Contains(line, " -n ")
	attaches := strings.HasPrefix(line, "h2trace") && (byName || strings.Contains(line, " -p "))
	line = strings.ReplaceAll(line, "go,gopls", "gopls") // go commands of others do not matter
	line = strings.ReplaceAll(line, "gopls", name)

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir, cmd.Env = p.dir, append(p.env[:len(p.env):len(p.env)], "GOMODCACHE="+cache)
	out, errs := &shared{}, &shared{}
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = promptly
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var servers []*program
	if attaches {
		for range 2 {
			servers = append(servers, startFile(t, p.gopls, p.site.env, "mute", "-", p.site.url+"/x", "-"))
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if attaches && !strings.Contains(line, "check") {
		await(t, "h2trace to observe", func() bool { return strings.Contains(errs.String(), "h2trace: observing ") })
		for _, s := range servers {
			s.goOn()
			s.readPID() // it has its response
			s.end()
		}
		if byName {
			interrupt(t, cmd.Process.Pid)
		}
	}
	_ = cmd.Wait() // the status says it
	for _, s := range servers {
		s.end()
	}
	if ctx.Err() != nil {
		t.Errorf("%s: not over after %s", line, patience)
	}
	checkEvents(t, out.String())
	for _, name := range []string{"events.jsonl", "conns.jsonl"} {
		if strings.Contains(line, "-o "+name) {
			checkEventsFile(t, filepath.Join(p.dir, name))
		}
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// interrupt sends SIGINT to the h2trace of a process group, which passes its output
// on to the others there.
func interrupt(t *testing.T, group int) {
	t.Helper()
	out, err := exec.Command("pgrep", "--pgroup", strconv.Itoa(group), "--exact", "h2trace").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pid := range strings.FieldsSeq(string(out)) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(n, syscall.SIGINT)
	}
}

// shared is a buffer that is read while it is written.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
