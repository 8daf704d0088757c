package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is the root of the tree, relative to this package.
const repository = "../../../../.."

// readmes returns the text of each README by its directory, relative to the
// repository.
func readmes(t testing.TB) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	root := os.DirFS(repository)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "bin" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.Name() == "README.md":
			b, err := fs.ReadFile(root, name)
			texts[filepath.Dir(name)] = string(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

var (
	quoted = regexp.MustCompile("`([^`\n]+)`")
	linked = regexp.MustCompile(`\]\(([^)]+)\)`)
	// pathLike matches what may be a path: "scripts/soak names" begins with one.
	pathLike = regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)*(/| |$)`)
	// sourceFile has a suffix that only files have.
	sourceFile = regexp.MustCompile(`\.(go|h|c|o|md|txt|txtar)$`)
)

// namedPaths returns the paths in a README. A quoted word is one if its first part is
// in the directory of the README or in the root, or if it ends as source files do.
func namedPaths(dir, text string) (paths []string) {
	for _, m := range linked.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "://") {
			paths = append(paths, m[1])
		}
	}
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		path := strings.TrimRight(pathLike.FindString(m[1]), "/ ")
		first, _, _ := strings.Cut(path, "/")
		if path != "" && (sourceFile.MatchString(path) || exists(dir, first)) {
			paths = append(paths, path)
		}
	}
	return paths
}

// exists reports whether a path, maybe with a *, exists below the directory of a
// README or the root.
func exists(dir, path string) bool {
	for _, from := range []string{dir, "."} {
		if found, err := filepath.Glob(filepath.Join(repository, from, path)); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

// TestReadmePaths compares the paths in READMEs with the tree.
func TestReadmePaths(t *testing.T) {
	t.Parallel()
	for dir, text := range readmes(t) {
		paths := namedPaths(dir, text)
		for _, path := range paths {
			if !exists(dir, path) {
				t.Errorf("%s names %s, which does not exist", filepath.Join(dir, "README.md"), path)
			}
		}
		if len(paths) == 0 {
			t.Errorf("%s names no path", filepath.Join(dir, "README.md"))
		}
	}
}

// located is a name in the code with its file: "`put` (`data.h`)", or "(`put`,
// `data.h`)".
var located = regexp.MustCompile("`([\\w.]+)`(?:\\s\\(|,\\s+)`([\\w./]+)`")

// TestReadmeNames looks for each name in the code that a README gives with its file.
func TestReadmeNames(t *testing.T) {
	t.Parallel()
	found := 0
	for dir, text := range readmes(t) {
		for _, m := range located.FindAllStringSubmatch(text, -1) {
			if !sourceFile.MatchString(m[2]) || sourceFile.MatchString(m[1]) || exists(dir, m[1]) {
				continue // a list of files
			}
			found++
			name := m[1][strings.LastIndexByte(m[1], '.')+1:]
			b, err := os.ReadFile(filepath.Join(repository, dir, m[2]))
			if err != nil {
				b, err = os.ReadFile(filepath.Join(repository, m[2]))
			}
			if err != nil || !regexp.MustCompile(`\b`+name+`\b`).Match(b) {
				t.Errorf("%s: there is no %s in %s", filepath.Join(dir, "README.md"), m[1], m[2])
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d names found", found)
	}
}

// TestNamedPaths tests namedPaths.
func TestNamedPaths(t *testing.T) {
	t.Parallel()
	const text = "`decoder/gone.go`, `gone.h`, `scripts/gone names`, [x](gone/README.md), `bpf/*.gone`, but" +
		" `net/http`, `h2trace check`, `(*Conn).Read`, `/etc/hosts` and [y](https://a.example/b.go)"
	const want = "gone/README.md decoder/gone.go gone.h scripts/gone bpf/*.gone"
	if got := strings.Join(namedPaths(".", text), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReadmeSize keeps the first page short: facts for contributors are in the README
// of a room.
func TestReadmeSize(t *testing.T) {
	t.Parallel()
	const most = 12_000
	if n := len(readmes(t)["."]); n > most {
		t.Errorf("README.md has %d bytes, more than %d", n, most)
	}
}
