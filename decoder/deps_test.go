package decoder_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// modules are what the packages need beside the standard library: packages of the Go project,
// Package decoder needs hpack alone.
var modules = []string{
	"golang.org/x/crypto/", "golang.org/x/mod/", "golang.org/x/net/dns/dnsmessage", "golang.org/x/net/http2/hpack",
	"golang.org/x/sys/cpu",
}

// TestDependencies has the packages depend on nothing else, as doc.go promises: a program
// that reads bytes needs no server, no log and no kernel. Packages below internal/ that
// serve tests do not count.
func TestDependencies(t *testing.T) {
	for _, p := range golist(t, "./...") {
		if strings.HasPrefix(p, "h2trace/decoder/internal/co") { // corpora, cost
			continue
		}
		for _, dep := range golist(t, "-deps", p) {
			first, _, _ := strings.Cut(dep, "/")
			switch {
			case slices.Contains([]string{"net/http", "crypto/tls", "log", "os/exec", "testing"}, dep):
				t.Errorf("%s needs %s", p, dep)
			case strings.HasPrefix(dep, "h2trace/") && !strings.HasPrefix(dep+"/", "h2trace/decoder/"):
				t.Errorf("%s needs %s, which is no part of the decoder", p, dep)
			case strings.HasPrefix(dep, "vendor/"), !strings.Contains(first, "."):
			case !slices.ContainsFunc(modules, func(m string) bool { return strings.HasPrefix(dep, m) }):
				t.Errorf("%s needs %s", p, dep)
			case p == "h2trace/decoder" && dep != "golang.org/x/net/http2/hpack":
				t.Errorf("%s needs %s", p, dep)
			}
		}
	}
}

func golist(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}
