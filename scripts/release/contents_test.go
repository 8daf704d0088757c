package release

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func goEnv(t testing.TB, name string) string {
	t.Helper()
	return strings.TrimSpace(output(t, "go", "env", name))
}

// names returns the files of a directory.
func names(t testing.TB, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func sum(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(data)
	return hex.EncodeToString(hash[:])
}

// TestChecksums has sha256sum compare all files, and every file has its sum.
func TestChecksums(t *testing.T) {
	dist := released(t)
	cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd.Dir = dist
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), ": OK\n") != len(names(t, dist))-1 {
		t.Errorf("%v\n%s", err, out)
	}
	if want := 1 + 4*len(archs()); len(names(t, dist)) != want {
		t.Errorf("%d files, want %d: %q", len(names(t, dist)), want, names(t, dist))
	}
}

// unpacked returns the files of the archive for an architecture, without the directory that
// all are in.
func unpacked(t testing.TB, arch string) string {
	t.Helper()
	f, err := os.Open(file(t, "*-linux-"+arch+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return to
		}
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(h.Name, "/")
		if h.Typeflag == tar.TypeDir {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, h.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
	}
}

// maxSize bounds the program, stripped or not, in bytes: 30 MB.
const maxSize = 30e6

// TestBinary looks at the program of each architecture: static, stripped, of at most maxSize, of
// this commit; and the SBOM has the modules that are in it. What "go build" makes is no larger
// than maxSize, either.
func TestBinary(t *testing.T) {
	for _, arch := range archs() {
		dir := unpacked(t, arch)
		program := filepath.Join(dir, "h2trace")
		f, err := elf.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s: not static", arch)
			}
		}
		_ = f.Close()
		if info, err := os.Stat(program); err != nil || info.Size() > maxSize || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", arch, info, err)
		}
		build, err := buildinfo.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		settings := make(map[string]string)
		for _, s := range build.Settings {
			settings[s.Key] = s.Value
		}
		for key, want := range map[string]string{
			"GOARCH": arch, "CGO_ENABLED": "0", "-trimpath": "true",
			"vcs.revision": commit(t, "%H"), "vcs.modified": "false",
		} {
			if settings[key] != want {
				t.Errorf("%s: %s is %q, not %q", arch, key, settings[key], want)
			}
		}
		if size := plainSize(t, arch); size > maxSize {
			t.Errorf("%s: go build makes %d bytes, more than %.0f", arch, size, maxSize)
		}
		if files := names(t, dir); !slices.Contains(files, "LICENSE") || !slices.Contains(files, "NOTICES") || !slices.Contains(files, "README.md") {
			t.Errorf("%s: the archive has %q", arch, files)
		}
		compareSBOM(t, arch, build)
		compareNotices(t, dir, build)
	}
}

// plainSize returns the size of the program with its symbols, as "go build" makes it for users.
func plainSize(t *testing.T, arch string) int64 {
	t.Helper()
	program := filepath.Join(t.TempDir(), "h2trace")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/h2trace")
	cmd.Dir = cloned(t)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes", arch, info.Size())
	return info.Size()
}

// compareSBOM looks for each module of a program in its SBOM.
func compareSBOM(t *testing.T, arch string, build *buildinfo.BuildInfo) {
	t.Helper()
	text, err := os.ReadFile(file(t, "*-linux-"+arch+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, c := range bom.Components {
		if c.Name != "std" {
			got = append(got, c.Name+"@"+c.Version)
		}
	}
	for _, dep := range build.Deps {
		want = append(want, dep.Path+"@"+dep.Version)
	}
	slices.Sort(got)
	slices.Sort(want)
	if c := bom.Metadata.Component; bom.BOMFormat != "CycloneDX" || c.Name != "h2trace" || c.Version != build.Main.Version || len(want) == 0 {
		t.Errorf("%s: the SBOM is of %+v", arch, c)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the SBOM has\n%q\nthe program\n%q", arch, got, want)
	}
}

// compareNotices looks for the licence of each module of a program.
func compareNotices(t *testing.T, dir string, build *buildinfo.BuildInfo) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "NOTICES"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range build.Deps {
		if !strings.Contains(string(text), "\n"+dep.Path+" "+dep.Version+" (") {
			t.Errorf("no licence of %s", dep.Path)
		}
	}
	if !strings.Contains(string(text), "The Go Authors") || !strings.Contains(string(text), "\nuPlot") {
		t.Error("no licence of Go, or of uPlot")
	}
}

// TestVersion runs the program: it says of which commit it is, and when that was made. What it
// completes is what the archive has for shells.
func TestVersion(t *testing.T) {
	dir := unpacked(t, "amd64")
	program := filepath.Join(dir, "h2trace")
	got := output(t, program, "version")
	if want := " (commit " + commit(t, "%H")[:12] + " of "; !strings.HasPrefix(got, "h2trace v") || !strings.Contains(got, want) ||
		!strings.Contains(got, goDate(t)+") ") {
		t.Errorf("%q lacks %q or %s", got, want, goDate(t))
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text, err := os.ReadFile(filepath.Join(dir, "completions", "h2trace."+shell))
		if err != nil {
			t.Fatal(err)
		}
		if output(t, program, "completion", shell) != string(text) {
			t.Errorf("h2trace.%s is not what h2trace completion %s prints", shell, shell)
		}
	}
	for _, page := range names(t, filepath.Join(dir, "man")) {
		need(t, "mandoc")
		if out := output(t, "mandoc", "-T", "lint", "-W", "all", filepath.Join(dir, "man", page)); out != "" {
			t.Errorf("%s", out)
		}
	}
}

// goDate returns the time of the commit as Go records it.
func goDate(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("date", "-u", "-d", "@"+commit(t, "%ct"), "+%Y-%m-%dT%H:%M:%SZ").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestLintian has lintian look at the .deb. What it need not say stands, with its reason, in
// deb/lintian-overrides.
func TestLintian(t *testing.T) {
	need(t, "lintian")
	cmd := exec.Command("lintian", "--allow-root", "--display-info", "--tag-display-limit", "0", file(t, "*_amd64.deb"))
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // it leaves files there
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "h2trace: ") {
		t.Errorf("lintian: %v\n%s", err, out)
	}
}

// TestGoInstall installs from a clone, as the README says. The program knows its commit,
// too.
func TestGoInstall(t *testing.T) {
	bin := t.TempDir()
	cmd := exec.Command("go", "install", "./cmd/h2trace")
	cmd.Dir = cloned(t)
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=-buildvcs=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := output(t, filepath.Join(bin, "h2trace"), "version")
	if want := "(commit " + commit(t, "%H")[:12] + " of " + goDate(t); !strings.Contains(got, want) {
		t.Errorf("%q lacks %q", got, want)
	}
}
