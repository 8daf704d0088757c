package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/lsp"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// goplsVersion is a release that the Go version of go.mod builds.
const goplsVersion = "v0.21.1"

// buildGopls builds the released gopls from the configured module proxy.
func buildGopls(t *testing.T) string {
	t.Helper()
	env, hosts := configuration(t)
	dir := t.TempDir()
	cmd := exec.Command("go", "install", "golang.org/x/tools/gopls@"+goplsVersion)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), env...), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		text := string(out)
		for _, h := range hosts {
			text = strings.ReplaceAll(text, h, "goproxy.example")
		}
		t.Skip("gopls cannot be built from the configured GOPROXY: " + text)
	}
	return filepath.Join(dir, "gopls")
}

// TestGopls opens a workspace whose modules are not in the cache. gopls starts go
// commands, which download. Their connections must be there, whole, with gopls as the
// parent.
func TestGopls(t *testing.T) {
	needProbes(t)
	gopls := buildGopls(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/lib", 5, 2000)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	w := modproxy.NewWorkspace(t, a, mods, proxy)
	var source strings.Builder
	source.WriteString("package main\n\nimport (\n")
	for _, m := range mods {
		fmt.Fprintf(&source, "\t_ %q\n", m.Path)
	}
	source.WriteString(")\n\nfunc main() {}\n")
	file := filepath.Join(w.Dir, "main.go")
	if err := os.WriteFile(file, []byte(source.String()), 0o600); err != nil {
		t.Fatal(err)
	}

	tr := startTracing(t, command{args: []string{gopls, "serve"}, dir: w.Dir, env: w.Env})
	c := &languageServer{lsp.New(tr.stdin, tr.stdout), t}
	root := "file://" + w.Dir
	c.call("initialize", map[string]any{
		"rootUri":          root,
		"capabilities":     map[string]any{},
		"workspaceFolders": []map[string]string{{"uri": root, "name": "main"}},
	})
	c.notify("initialized", map[string]any{})
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
		"uri": "file://" + file, "languageId": "go", "version": 1, "text": source.String(),
	}})
	// The response needs the packages of the workspace, and so the downloads.
	c.call("textDocument/documentSymbol", map[string]any{"textDocument": map[string]string{"uri": "file://" + file}})
	await(t, "the downloads", func() bool { return zips(proxy) >= len(mods) })
	c.call("shutdown", nil)
	c.notify("exit", nil)
	r := tr.wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}

	server := processEvents(r.stream, "exec")[0]
	children := map[int]bool{}
	for _, e := range processEvents(r.stream, "attached") {
		if filepath.Base(e.Exe) == "go" && ppid(t, e) == server.PID {
			children[e.PID] = true
		}
	}
	if len(children) == 0 {
		t.Fatalf("no go command with gopls (%d) as its parent:%s", server.PID, rawOf(processEvents(r.stream, "attached")))
	}
	fetched := map[string]bool{}
	for _, conn := range r.stream.Conns() {
		pid := conn.Open.PID
		if conn.Open.Joined != "start" {
			t.Errorf("joined late: %s", conn.Open.Raw)
		}
		for _, path := range paths(r.stream, pid) {
			fetched[path] = true
			if !children[pid] {
				t.Errorf("%s was fetched by process %d, which is no go command of gopls", path, pid)
			}
		}
	}
	for _, m := range mods {
		if path := "/" + m.Path + "/@v/" + m.Version + ".zip"; !fetched[path] {
			t.Errorf("the download of %s is not in the trace", path)
		}
	}
}

// zips counts the module zips that a proxy has served.
func zips(p *modproxy.Server) int {
	n := 0
	for _, r := range p.Requests() {
		if strings.HasSuffix(r.Path, ".zip") {
			n++
		}
	}
	return n
}
