package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestOverview reads the verdict on stderr, and the report of -c, of a go mod download.
func TestOverview(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 3, 10_000)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	download := func(t *testing.T, flags ...string) (ran, string) {
		t.Helper()
		w := modproxy.NewWorkspace(t, a, mods, proxy)
		out := filepath.Join(t.TempDir(), "out")
		script := []string{"sh", "-c", `cd "$0" && go mod download && echo done >&2`, w.Dir}
		for i, f := range flags {
			flags[i] = strings.ReplaceAll(f, "OUT", out)
		}
		r := invoke(t, invocation{args: append(flags, script...), env: w.Env})
		if r.status != 0 {
			t.Fatalf("exit status %d\n%s", r.status, indent(r.stderr))
		}
		b, err := os.ReadFile(out)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return r, string(b)
	}
	// After COMMAND's own last line, and after what was seen.
	verdict := regexp.MustCompile(`(?s)done\n(?:.*\n)?h2trace: saw \d+ process[^\n]*\nh2trace: (healthy|server_wait|client|tls): [^\n]*\n(h2trace:   [^\n]*\n)*h2trace:   of [\d.]+ m?s: [^\n]* \d+ %\n$`)
	t.Run("verdict", func(t *testing.T) {
		r, out := download(t, "-e", "frame=PING", "-o", "OUT", "--label", "region=eu")
		if !verdict.MatchString(r.stderr) {
			t.Errorf("got\n%s", indent(r.stderr))
		}
		s, err := contract.Read(strings.NewReader(out))
		if err != nil || len(s.Of("exchange")) > 0 || !strings.HasSuffix(s.Summary.Raw, `,"labels":{"region":"eu"}}`) {
			t.Errorf("%v\n%s", err, indent(out))
		}
	})
	row := regexp.MustCompile(`\n  ` + regexp.QuoteMeta(proxy.URL) + ` +\d+ +0 `)
	t.Run("report", func(t *testing.T) {
		if r, _ := download(t, "-c"); !row.MatchString(r.stdout) || strings.Contains(r.stdout, `"event"`) || !strings.Contains(r.stdout, "\nWindows\n") || unusual(r.stderr) != "done\n" {
			t.Errorf("stdout\n%s\nstderr\n%s", indent(r.stdout), indent(r.stderr))
		}
	})
	t.Run("report in a file", func(t *testing.T) {
		if r, out := download(t, "-c", "-o", "OUT"); !row.MatchString(out) || !verdict.MatchString(r.stderr) {
			t.Errorf("file\n%s\nstderr\n%s", indent(out), indent(r.stderr))
		}
	})
	t.Run("report of a running process", func(t *testing.T) {
		target := startProgram(t, fetch, "-")
		r := invoke(t, invocation{args: []string{"-c", "--duration", "300ms", "-p", strconv.Itoa(target.pid)}})
		if r.status != 0 || !strings.Contains(r.stdout, "\nWhere the time went: 1 run\n") || unusual(r.stderr) != "" {
			t.Errorf("status %d, stdout\n%s\nstderr\n%s", r.status, indent(r.stdout), indent(r.stderr))
		}
	})
}
