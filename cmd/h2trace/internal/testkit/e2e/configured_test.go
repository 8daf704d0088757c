package e2e

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// configured are the variables that say where modules come from.
var configured = []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE"}

// inherited are the variables, besides these, that a download can need here.
var inherited = []string{
	"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "NETRC",
}

// TestConfiguredProxy downloads real modules as this machine is configured to.
func TestConfiguredProxy(t *testing.T) {
	needProbes(t)
	env, hosts := configuration(t)
	hide := func(s string) string {
		for _, h := range hosts {
			s = strings.ReplaceAll(s, h, "goproxy.example")
		}
		return s
	}
	set := func(list ...string) []modproxy.Module {
		var mods []modproxy.Module
		for _, m := range list {
			path, version, _ := strings.Cut(m, "@")
			mods = append(mods, modproxy.Module{Path: path, Version: version})
		}
		return mods
	}
	probe := modproxy.ConfiguredWorkspace(t, set("rsc.io/sampler@v1.3.0"), env...)
	cmd := exec.Command("go", "mod", "download")
	cmd.Dir, cmd.Env = probe.Dir, probe.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skip("the configured GOPROXY cannot be reached: " + hide(string(out)))
	}

	tests := []struct {
		name    string
		require []modproxy.Module
		args    []string
	}{
		{"small", set("rsc.io/quote@v1.5.2"), []string{"all"}},
		{"one big", set("golang.org/x/text@v0.14.0"), nil},
		{"command line framework", set("github.com/spf13/cobra@v1.8.0"), []string{"all"}},
		{"web framework", set("github.com/gin-gonic/gin@v1.9.1"), nil},
		{"terminal library", set("github.com/charmbracelet/bubbletea@v0.25.0"), []string{"all"}},
		{"many at once", set("golang.org/x/net@v0.20.0", "golang.org/x/sync@v0.6.0", "golang.org/x/sys@v0.16.0", "golang.org/x/term@v0.16.0",
			"golang.org/x/mod@v0.14.0", "golang.org/x/crypto@v0.18.0", "github.com/google/uuid@v1.5.0", "github.com/google/go-cmp@v0.6.0",
			"github.com/pkg/errors@v0.9.1", "github.com/stretchr/testify@v1.8.4", "gopkg.in/yaml.v3@v3.0.1", "go.uber.org/zap@v1.26.0"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := modproxy.ConfiguredWorkspace(t, tt.require, env...)
			r := startTracing(t, command{
				args: append([]string{"go", "mod", "download"}, tt.args...), dir: w.Dir, env: debugEnv(w.Env),
			}).wait()
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, hide(indent(messagesOf(r.stderr))))
			}
			if _, err := compare(r, atExit); err != nil {
				t.Fatalf("%s\n%s", hide(err.Error()), hide(indent(messagesOf(r.stderr))))
			}
			t.Logf("%d frames are equal", len(r.stream.Of("frame")))
		})
	}
}

// configuration returns the environment that makes the go command download
// as it does by default here, and the names of hosts that are in it.
func configuration(t *testing.T) (env, hosts []string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"env", "-json"}, configured...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&values); err != nil {
		t.Fatal(err)
	}
	for _, name := range configured {
		env = append(env, name+"="+values[name])
	}
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
			values[name] = v
		}
	}
	for _, v := range values {
		for _, s := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
			if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
				hosts = append(hosts, u.Host, u.Hostname())
				if u.User != nil {
					hosts = append(hosts, u.User.String())
				}
			}
		}
	}
	return env, hosts
}
