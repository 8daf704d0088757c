//go:build linux

package release

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDebianPackage installs an older .deb with dpkg, upgrades to that of the release, traces a
// client with it, has each shell complete, removes and purges it. Nothing is left.
func TestDebianPackage(t *testing.T) {
	deb := file(t, "*_amd64.deb")
	need(t, "dpkg", "bash", "zsh", "fish")
	old := olderPackage(t, deb)
	client, server := startPeer(t)
	m := newMachine(t)
	if m.has("/usr/bin/h2trace") {
		t.Skip("h2trace is installed on this machine")
	}

	m.pretendSystemd()
	m.run("dpkg", "-i", m.copy(old, 0o644))
	if !m.has("/usr/share/h2trace/obsolete") {
		t.Error("the older package is not installed")
	}
	const config = "/etc/logrotate.d/h2trace"
	if err := os.WriteFile(m.path(config), []byte("# edited\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.run("dpkg", "-i", m.copy(deb, 0o644))
	if m.has("/usr/share/h2trace/obsolete") {
		t.Error("the upgrade left a file of the older package")
	}
	if text, err := os.ReadFile(m.path(config)); err != nil || string(text) != "# edited\n" {
		t.Errorf("the upgrade lost what was edited: %q, %v", text, err)
	}
	if status := m.run("dpkg", "-s", "h2trace"); !strings.Contains(status, "\nStatus: install ok installed\n") || strings.Contains(status, "Version: 0.0.0~0\n") {
		t.Errorf("dpkg says\n%s", status)
	}
	if out, err := m.try("dpkg", "--verify", "h2trace"); err != nil || strings.Contains(strings.ReplaceAll(out, config, ""), "/") {
		t.Errorf("dpkg --verify: %v\n%s", err, out)
	}
	m.use(client, server)
	m.complete()
	m.wantSystemctl("daemon-reload\ntry-restart h2trace.service\n")
	m.run("dpkg", "-r", "h2trace")
	if m.has("/usr/bin/h2trace") || !m.has(config) {
		t.Error("dpkg -r removed too little or too much")
	}
	m.run("dpkg", "-P", "h2trace")
	m.wantSystemctl("disable h2trace.service\nstop h2trace.service\ndaemon-reload\n")
	if left := m.left(); len(left) > 0 {
		t.Errorf("left after dpkg -P: %q", left)
	}
}

// pretendSystemd has the machine look as if systemd ran there. What asks it for something is
// written down.
func (m *machine) pretendSystemd() {
	m.t.Helper()
	for _, dir := range []string{"/run/systemd/system", "/tmp/first"} {
		if err := os.MkdirAll(m.path(dir), 0o755); err != nil {
			m.t.Fatal(err)
		}
	}
	if err := os.WriteFile(m.path("/tmp/first/systemctl"), []byte("#!/bin/sh\necho \"$@\" >>/tmp/asked\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// wantSystemctl demands that systemd was asked for something since the last time.
func (m *machine) wantSystemctl(want string) {
	m.t.Helper()
	asked, _ := os.ReadFile(m.path("/tmp/asked")) // of none, nothing was asked for
	_ = os.Remove(m.path("/tmp/asked"))
	if !strings.Contains(string(asked), want) {
		m.t.Errorf("systemctl was asked for\n%swant\n%s", asked, want)
	}
}

// TestRPMPackage has rpmlint look at the .rpm, installs it, traces a client with it, and erases it.
func TestRPMPackage(t *testing.T) {
	pkg := file(t, "*.x86_64.rpm")
	need(t, "rpm", "rpmlint", "cpio")
	client, server := startPeer(t)
	m := newMachine(t)
	m.lint(pkg)
	m.run("rpm", "-i", "--nodeps", "--force-debian", m.copy(pkg, 0o644))
	m.run("rpm", "-V", "--nodeps", "h2trace")
	if docs := m.run("rpm", "-qd", "h2trace"); !strings.Contains(docs, "/usr/share/man/man1/h2trace.1.gz\n") {
		t.Errorf("documentation:\n%s", docs)
	}
	m.use(client, server)
	m.run("rpm", "-e", "h2trace")
	// The package filesystem of RPM's distributions has these directories.
	theirs := []string{"/usr/share/licenses", "/usr/share/zsh/site-functions"}
	if left := slices.DeleteFunc(m.left(), func(name string) bool { return slices.Contains(theirs, name) }); len(left) > 0 {
		t.Errorf("left after rpm -e: %q", left)
	}
}

// lint runs rpmlint. What it need not say stands, with its reason, in rpm/rpmlint.toml. It unpacks
// the package with cpio, and nfpm gives that absolute names.
func (m *machine) lint(pkg string) {
	m.t.Helper()
	const cpio = "/tmp/first/cpio"
	if err := os.Mkdir(m.path(filepath.Dir(cpio)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(cpio), []byte("#!/bin/sh\nexec /usr/bin/cpio --no-absolute-filenames \"$@\"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
	out, err := m.try("rpmlint", "-c", m.copy("rpm/rpmlint.toml", 0o644), m.copy(pkg, 0o644))
	if err != nil || !strings.Contains(out, " 1 packages and 0 specfiles checked; 0 errors, 0 warnings") {
		m.t.Errorf("rpmlint: %v\n%s", err, out)
	}
}

// olderPackage returns a .deb of a lower version, with a file more.
func olderPackage(t *testing.T, deb string) string {
	t.Helper()
	tree, to := filepath.Join(t.TempDir(), "tree"), filepath.Join(t.TempDir(), "older.deb")
	output(t, "dpkg-deb", "-R", deb, tree)
	control := filepath.Join(tree, "DEBIAN", "control")
	text, err := os.ReadFile(control)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^Version: .*$`).ReplaceAll(text, []byte("Version: 0.0.0~0"))
	if err := os.WriteFile(control, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(tree, "usr/share/h2trace"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "usr/share/h2trace/obsolete"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	output(t, "dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, to)
	return to
}

// startPeer starts a server for HTTP/2, and builds a client for it.
func startPeer(t *testing.T) (client, url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 12_345)) // the client counts them
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	client = filepath.Join(t.TempDir(), "client")
	output(t, "go", "build", "-o", client, "./testdata/client")
	return client, s.URL
}

// use runs what the package has: the program, on a client, and the manual.
func (m *machine) use(client, server string) {
	m.t.Helper()
	if got, want := m.run("h2trace", "version"), commit(m.t, "%H")[:12]; !strings.Contains(got, want) {
		m.t.Errorf("h2trace version prints %q, which lacks %q", got, want)
	}
	out, err := m.try("h2trace", "-q", "-o", "/tmp/events.jsonl", m.copy(client, 0o755), server+"/path")
	if err != nil || !strings.Contains(out, "HTTP/2.0 12345 <nil>") {
		m.t.Fatalf("h2trace client: %v\n%s", err, out)
	}
	events, err := os.ReadFile(m.path("/tmp/events.jsonl"))
	if err != nil {
		m.t.Fatal(err)
	}
	if !regexp.MustCompile(`"event":"exchange",.*"url":"` + server + `/path","status":200,"protocol":"h2",.*"response_bytes":12345,`).Match(events) {
		m.t.Errorf("no exchange in\n%s", events)
	}
	if page := m.run("mandoc", "-T", "ascii", "/usr/share/man/man1/h2trace-report.1.gz"); !strings.Contains(page, "h2trace-report - say where the time went") &&
		!strings.Contains(page, "say where the time went") {
		m.t.Errorf("h2trace-report(1) is\n%s", page)
	}
}

// complete has each shell find what the package has for it.
func (m *machine) complete() {
	m.t.Helper()
	for _, tt := range []struct{ shell, command, want string }{
		{"bash", `. /usr/share/bash-completion/bash_completion; _completion_loader h2trace; complete -p h2trace`, "complete -F _h2trace h2trace"},
		{"zsh", `autoload -Uz compinit; compinit -D; print $_comps[h2trace]`, "_h2trace"},
		{"fish", `complete -C "h2trace repor"`, "report\t"},
	} {
		if out := m.run(tt.shell, "-c", tt.command); !strings.Contains(out, tt.want) {
			m.t.Errorf("%s prints %q, which lacks %q", tt.shell, out, tt.want)
		}
	}
}
