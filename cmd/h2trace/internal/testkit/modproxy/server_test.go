package modproxy

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

func download(t *testing.T, w *Workspace, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"mod", "download"}, args...)...)
	cmd.Dir, cmd.Env = w.Dir, w.Env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func countSuffix(s *Server, suffix string, status int) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, suffix) && r.Status == status {
			n++
		}
	}
	return n
}

func TestGoCommandDownloads(t *testing.T) {
	a := NewAuthority(t)
	mods := Graph("example.test/graph", 6, 2, 4096)
	s := Start(t, a, mods, Options{})
	w := NewWorkspace(t, a, mods[:1], s)
	if out, err := download(t, w, "all"); err != nil {
		t.Fatalf("go mod download: %v\n%s", err, out)
	}
	if got := countSuffix(s, ".zip", 200); got != len(mods) {
		t.Errorf("%d zips served, want %d: %v", got, len(mods), s.Requests())
	}
	for _, r := range s.Requests() {
		if r.Proto != "HTTP/2.0" {
			t.Errorf("%s came over %s, want HTTP/2.0", r.Path, r.Proto)
		}
	}
}

func TestLatestAndList(t *testing.T) {
	a := NewAuthority(t)
	mods := Modules("example.test/latest", 1, 0)
	s := Start(t, a, mods, Options{})
	w := NewWorkspace(t, a, nil, s)
	if out, err := download(t, w, mods[0].Path+"@latest"); err != nil {
		t.Fatalf("go mod download @latest: %v\n%s", err, out)
	}
	if countSuffix(s, "/@v/list", 200) == 0 {
		t.Errorf("no list requested: %v", s.Requests())
	}
}

func TestFallbackAndRedirect(t *testing.T) {
	a := NewAuthority(t)
	mods := Modules("example.test/elsewhere", 3, 1<<20)
	zips := Start(t, a, mods, Options{})
	full := Start(t, a, mods, Options{RedirectZips: strings.Replace(zips.URL, "localhost", "127.0.0.1", 1)})
	missing := Start(t, a, nil, Options{Gone: true})
	w := NewWorkspace(t, a, mods, missing, full)
	if out, err := download(t, w); err != nil {
		t.Fatalf("go mod download: %v\n%s", err, out)
	}
	if countSuffix(missing, ".info", 410)+countSuffix(missing, ".mod", 410)+countSuffix(missing, ".zip", 410) == 0 {
		t.Errorf("the first proxy was not asked: %v", missing.Requests())
	}
	if got := countSuffix(full, ".zip", 302); got != len(mods) {
		t.Errorf("%d redirects, want %d", got, len(mods))
	}
	if got := countSuffix(zips, ".zip", 200); got != len(mods) {
		t.Errorf("%d zips behind the redirect, want %d", got, len(mods))
	}
	all := slices.Collect(func(yield func(string) bool) {
		for _, r := range zips.Requests() {
			if !yield(path.Ext(r.Path)) {
				return
			}
		}
	})
	if slices.Contains(all, ".mod") {
		t.Errorf("the zip host was asked for %v", all)
	}
}
