package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestDemo runs scripts/demo with a module proxy on loopback. It ends with output for
// a newcomer: the report of the run, and the path of the program.
func TestDemo(t *testing.T) {
	t.Parallel()
	needProbes(t)
	a := modproxy.NewAuthority(t)
	proxy := modproxy.Start(t, a, []modproxy.Module{{Path: "rsc.io/quote", Version: "v1.5.2"}}, modproxy.Options{})
	cmd := exec.Command("scripts/demo")
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "GOPROXY="+proxy.URL, "GOSUMDB=off", "SSL_CERT_FILE="+a.CertFile, "SSL_CERT_DIR="+a.EmptyDir)
	out, err := cmd.CombinedOutput()
	want := regexp.MustCompile(`(?s)^\$ h2trace -o events.jsonl go mod download\n(?:.*\n)?` +
		`h2trace: saw 1 process, [^\n]*\nh2trace: \w+: .*\nh2trace:   of \d[^\n]*: .*` +
		`\n\{"v":1,[^\n]*"event":"frame".*` +
		`\n\$ h2trace report events.jsonl\n.*\n  wall time .*` +
		`\nThe program is (/\S+/bin/h2trace)\. .*--help\n$`)
	m := want.FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("%v; the output is not like %s\n%s", err, want, indent(string(out)))
	}
	if _, err := os.Stat(string(m[1])); err != nil {
		t.Error(err)
	}
}

// TestSetupWithoutGo expects a hint what to type if sudo does not find go.
func TestSetupWithoutGo(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err.Error())
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, as after sudo")
	}
	for user, want := range map[string]string{
		"alice": "setup: Go is not in the PATH that sudo sets; run it without sudo, or as: sudo env \"PATH=$PATH\" ...\n",
		"":      "setup: Go is missing; install it and put it in PATH\n",
	} {
		cmd := exec.Command(bash, "scripts/setup", "demo")
		cmd.Dir, cmd.Env = repository, []string{"PATH=/nonexistent", "SUDO_USER=" + user}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 || stderr.String() != want {
			t.Errorf("SUDO_USER=%s: %v; got %q, want %q", user, err, stderr.String(), want)
		}
	}
}
