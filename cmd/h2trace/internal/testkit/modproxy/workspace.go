package modproxy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Workspace is a main module and a module cache of its own, independent of the
// configuration and caches of the machine.
type Workspace struct {
	Dir string // holds go.mod; run the go command here
	// Env is the whole environment of the go command.
	Env []string
}

// NewWorkspace creates a main module that requires mods, with proxies as its GOPROXY
// list and a as the only authority it trusts. It needs no network: there is no
// checksum database and no other toolchain.
func NewWorkspace(t testing.TB, a *Authority, mods []Module, proxies ...*Server) *Workspace {
	t.Helper()
	urls := make([]string, len(proxies))
	for i, p := range proxies {
		urls[i] = p.URL
	}
	w := newWorkspace(t, mods)
	w.Env = append(w.Env,
		"GOPROXY="+strings.Join(urls, ","),
		"GOSUMDB=off",
		"SSL_CERT_FILE="+a.CertFile,
		"SSL_CERT_DIR="+a.EmptyDir,
	)
	return w
}

// ConfiguredWorkspace creates a main module that requires mods and downloads them as
// this machine is configured to.
func ConfiguredWorkspace(t testing.TB, mods []Module, inherit ...string) *Workspace {
	t.Helper()
	w := newWorkspace(t, mods)
	w.Env = append(w.Env, inherit...)
	return w
}

func newWorkspace(t testing.TB, mods []Module) *Workspace {
	t.Helper()
	root := t.TempDir()
	w := &Workspace{Dir: filepath.Join(root, "main")}
	var mod strings.Builder
	mod.WriteString("module example.test/main\n\ngo 1.21\n")
	for _, m := range mods {
		fmt.Fprintf(&mod, "\nrequire %s %s\n", m.Path, m.Version)
	}
	telemetry := filepath.Join(root, "home", ".config", "go", "telemetry")
	for _, dir := range []string{w.Dir, telemetry} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Otherwise a process that outlives the go command writes there.
	if err := os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.Dir, "go.mod"), []byte(mod.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	w.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(root, "home"),
		"TMPDIR=" + os.TempDir(),
		"GOPATH=" + filepath.Join(root, "gopath"),
		"GOMODCACHE=" + filepath.Join(root, "modcache"),
		"GOCACHE=" + filepath.Join(root, "cache"),
		"GOENV=off",
		"GOWORK=off",
		"GOTOOLCHAIN=local",
		"GOTELEMETRY=off",
		"GOFLAGS=-mod=mod -modcacherw", // otherwise the cache cannot be removed
	}
	return w
}
