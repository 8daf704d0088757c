package proxies

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/module"

	"h2trace/cmd/h2trace/internal/lsp"
)

// editing is what editors do with a module: "editing DIR GO GOPLS MODULE@VERSION..." gets the
// modules, tidies a module that imports them, and serves an editor that has such a module open.
// Each has a module cache of its own, so that each has to ask the proxy.
const editing = `
set -e
dir=$1 go=$2 gopls=$3
shift 3
cd "$dir/get" && GOMODCACHE=$dir/cache1 "$go" get "$@" >&2
cd "$dir/tidy" && GOMODCACHE=$dir/cache2 "$go" mod tidy >&2
cd "$dir/edit" && GOMODCACHE=$dir/cache3 GOPLSCACHE=$dir/gopls exec "$gopls" serve`

// editor is the work of an editor.
type editor struct {
	tool    *goTool
	gopls   string
	modules []string // path@version
	// The files of a module that imports a package of each module, and has all sums.
	mod, sum, source string
}

// prepareEditor finds gopls and packages to import, by downloading the modules once, unobserved,
// from whichever of the proxies has them.
func prepareEditor(
	ctx context.Context, tool *goTool, list []module.Version, entries []entry, parent string,
) (work, error) {
	e := &editor{tool: tool}
	var err error
	if e.gopls, err = tool.findGopls(); err != nil {
		return work{}, err
	}
	for _, m := range list {
		e.modules = append(e.modules, m.Path+"@"+m.Version)
	}
	dir, err := tool.tempDir(parent)
	if err != nil {
		return work{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left goes with parent
	if err := e.prepare(ctx, dir, list, entries); err != nil {
		return work{}, fmt.Errorf("the profile %s does not work with these modules: %w", ProfileEditor, err)
	}
	return work{argv: e.argv, talk: e.talk}, nil
}

// prepare makes the files in dir.
func (e *editor) prepare(ctx context.Context, dir string, list []module.Version, entries []entry) error {
	// The end of a list is direct, where it is in it.
	values := make([]string, len(entries))
	for i, entry := range slices.SortedStableFunc(slices.Values(entries), directLast) {
		values[i] = entry.value
	}
	f := fetcher{tool: e.tool}
	tool := *e.tool
	tool.env = append(f.environ(entry{value: strings.Join(values, "|")}, dir), "GOFLAGS=-mod=mod -modcacherw")
	at := filepath.Join(dir, "main")
	if err := tool.writeFile(filepath.Join(at, "go.mod"), "module editor.example/main\n"); err != nil {
		return err
	}
	if _, err := tool.run(ctx, at, append([]string{"get"}, e.modules...)...); err != nil {
		return err
	}
	var imports []goPackage
	for _, m := range list {
		out, err := tool.run(ctx, at, "list", "-f", "{{.Name}} {{.ImportPath}} {{len .GoFiles}}", m.Path+"/...")
		if err != nil {
			return err
		}
		if p, ok := choosePackage(string(out)); ok {
			imports = append(imports, p)
		}
	}
	if len(imports) == 0 {
		return errors.New("none has a package to import")
	}
	e.source = sourceOf(imports)
	if err := tool.writeFile(filepath.Join(at, "main.go"), e.source); err != nil {
		return err
	}
	if _, err := tool.run(ctx, at, "mod", "tidy"); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(at, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(at, "go.sum"))
	e.mod, e.sum = string(mod), string(sum)
	return err
}

func directLast(x, y entry) int {
	at := map[bool]int{true: 1}
	return cmp.Compare(at[x.direct()], at[y.direct()])
}

// goPackage is a package that can be imported.
type goPackage struct {
	path  string
	files int
}

// choosePackage returns the package with most files of those in the output of go list.
func choosePackage(out string) (best goPackage, ok bool) {
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] == "main" || slices.Contains(strings.Split(fields[1], "/"), "internal") {
			continue
		}
		if n, err := strconv.Atoi(fields[2]); err == nil && n > best.files {
			best, ok = goPackage{fields[1], n}, true
		}
	}
	return best, ok
}

// sourceOf returns a file that imports packages, the one with most files first, as p.
func sourceOf(imports []goPackage) string {
	slices.SortStableFunc(imports, func(x, y goPackage) int { return cmp.Compare(y.files, x.files) })
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	for i, p := range imports {
		name := "_"
		if i == 0 {
			name = "p"
		}
		fmt.Fprintf(&b, "\t%s %q\n", name, p.path)
	}
	b.WriteString(")\n\nfunc main() {\n}\n")
	return b.String()
}

// argv makes the modules of a run.
func (e *editor) argv(dir string) ([]string, error) {
	for name, text := range map[string]string{
		"get/go.mod":  "module editor.example/get\n",
		"tidy/go.mod": e.mod, "tidy/main.go": e.source,
		"edit/go.mod": e.mod, "edit/go.sum": e.sum, "edit/main.go": e.source,
	} {
		if err := e.tool.writeFile(filepath.Join(dir, name), text); err != nil {
			return nil, err
		}
	}
	return append([]string{"sh", "-c", editing, "sh", dir, e.tool.path, e.gopls}, e.modules...), nil
}

// talk types "p." into the file, and asks gopls how that may go on.
func (e *editor) talk(dir string, in io.Writer, out io.Reader) error {
	c := lsp.New(in, out)
	root := "file://" + filepath.Join(dir, "edit")
	file := map[string]any{"uri": root + "/main.go"}
	_, err := c.Call("initialize", map[string]any{
		"rootUri": root, "capabilities": map[string]any{},
		"workspaceFolders": []map[string]string{{"uri": root, "name": "edit"}},
	})
	if err != nil {
		return err
	}
	text := strings.Replace(e.source, "{\n}", "{\n\tp.\n}", 1)
	before, _, _ := strings.Cut(text, "\tp.\n")
	for _, n := range []struct {
		method string
		params any
	}{
		{"initialized", map[string]any{}},
		{"textDocument/didOpen", map[string]any{"textDocument": map[string]any{
			"uri": file["uri"], "languageId": "go", "version": 1, "text": text,
		}}},
	} {
		if err := c.Notify(n.method, n.params); err != nil {
			return err
		}
	}
	result, err := c.Call("textDocument/completion", map[string]any{
		"textDocument": file,
		"position":     map[string]int{"line": strings.Count(before, "\n"), "character": len("\tp.")},
	})
	if err != nil {
		return err
	}
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(result, &list); err != nil {
		return fmt.Errorf("completion: %w", err)
	}
	if _, err := c.Call("shutdown", nil); err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return errors.New("gopls completed nothing")
	}
	return c.Notify("exit", nil)
}

// findGopls finds gopls in the PATH of the user, or where the go command installs it.
func (g *goTool) findGopls() (string, error) {
	if file, err := g.find("gopls"); err == nil {
		return file, nil
	}
	dir := g.settings.GOBIN
	if dir == "" {
		dir = filepath.Join(filepath.SplitList(g.settings.GOPATH + ":")[0], "bin")
	}
	file := filepath.Join(dir, "gopls")
	if executable(file) {
		return file, nil
	}
	return "", fmt.Errorf("gopls is neither in PATH nor in %s; install it with: go install golang.org/x/tools/gopls@latest", dir)
}

// writeFile writes a file of the user, with the directory that it is in.
func (g *goTool) writeFile(name, text string) error {
	dir := filepath.Dir(name)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil || g.user == nil {
		return err
	}
	return errors.Join(os.Chown(dir, g.user.UID, g.user.GID), os.Chown(name, g.user.UID, g.user.GID))
}
