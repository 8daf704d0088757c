package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf/plan"
	"h2trace/scripts/goreleases"
)

// matrixVariant is a build option that changes the code of a program or its tables.
type matrixVariant struct {
	name  string
	x     bool // HTTP/2 of golang.org/x/net
	env   []string
	flags []string
	pgo   bool
	read  string // the probe of Read
	// own says that it needs its own standard library.
	own bool
}

const (
	memmove   = "CALL runtime.memmove"
	slicecopy = "CALL runtime.slicecopy"
)

var (
	withCgo        = []string{"CGO_ENABLED=1"}
	matrixVariants = []matrixVariant{
		{name: "default", read: memmove},
		{name: "stripped", flags: []string{"-ldflags=-s"}, read: memmove},
		{name: "pie", flags: []string{"-buildmode=pie"}, read: memmove, own: true},
		{name: "trimpath", flags: []string{"-trimpath"}, read: memmove, own: true},
		{name: "race", env: withCgo, flags: []string{"-race"}, read: slicecopy, own: true},
		{name: "N-l", flags: []string{"-gcflags=all=-N -l"}, read: "entry+RET", own: true},
		{name: "pgo", pgo: true, read: memmove, own: true},
		{name: "cgo", env: withCgo, flags: []string{"-ldflags=-linkmode=external"}, read: memmove, own: true},
		{name: "x-net", x: true, read: memmove},
		{name: "x-net-stripped", x: true, flags: []string{"-ldflags=-s"}, read: memmove},
	}
)

// TestMatrix builds a client with each release and variant, and compares the output
// of h2trace with its own log. Without H2TRACE_MATRIX=1 it takes some of the
// releases. It builds variants with their own standard library only for the release
// that runs the tests, as other tests build these libraries, too.
func TestMatrix(t *testing.T) {
	needProbes(t)
	full, here := os.Getenv("H2TRACE_MATRIX") == "1", runtime.Version()
	list, reduction := goreleases.Take(full)
	if !full {
		t.Attr("reduced", "clients: most variants only for "+here+"; "+reduction)
	}
	if !slices.Contains(list, here) {
		list = append(slices.Clip(list), here)
	}
	s := startSite(t)
	for _, release := range list {
		toolchain(t, release)
		rows := make([]string, len(matrixVariants))
		t.Run(release, func(t *testing.T) {
			for i, v := range matrixVariants {
				if v.pgo && release < "go1.21" {
					continue // go build has had -pgo since Go 1.21
				}
				if v.own && !full && release != here {
					continue
				}
				t.Run(v.name, func(t *testing.T) {
					t.Parallel()
					rows[i] = strings.Join([]string{release, v.name, "", "FAILED"}, "\t")
					probes, frames := runCell(t, s, release, v)
					rows[i] = strings.Join([]string{release, v.name, probes, frames}, "\t")
				})
			}
		})
		for _, row := range slices.DeleteFunc(rows, func(s string) bool { return s == "" }) {
			t.Attr("cell", row)
		}
	}
}

// runCell returns the plan of the client, and how its output compares.
func runCell(t *testing.T, s *site, release string, v matrixVariant) (probes, frames string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "client")
	flags := v.flags
	if v.pgo {
		profile := filepath.Join(t.TempDir(), "default.pgo")
		buildMatrixClient(t, release, file, v.x, v.env, flags...)
		run(t, []string{file, s.url, profile}, s.env)
		flags = append(slices.Clone(flags), "-pgo="+profile)
	}
	buildMatrixClient(t, release, file, v.x, v.env, flags...)
	want := analyzed(t, file)
	r := startTracing(t, command{args: []string{file, s.url}, env: debugEnv(s.env)}).wait()
	if r.status != 0 {
		t.Fatalf("exit status %d\n%s", r.status, indent(messagesOf(r.stderr)))
	}
	probes = "no probes"
	for _, e := range processEvents(r.stream, "attached") {
		var got struct {
			GoVersion string            `json:"go_version"`
			Plan      map[string]string `json:"plan"`
		}
		if err := json.Unmarshal([]byte(e.Raw), &got); err != nil {
			t.Fatal(err)
		}
		if got.GoVersion != release {
			t.Errorf("go_version %q, want %q", got.GoVersion, release)
		}
		if ofPackets() {
			if got.Plan["key_log"] == "" {
				t.Errorf("no probe for secrets in the plan %v", got.Plan)
			}
			probes = "secrets " + got.Plan["key_log"]
			continue
		}
		if diff := cmp.Diff(want, got.Plan); diff != "" {
			t.Errorf("plan (-of the file +attached):\n%s", diff)
		}
		if got.Plan["read"] != v.read {
			t.Errorf("the probe of Read is %q, want %q", got.Plan["read"], v.read)
		}
		probes = fmt.Sprintf("read %s, write %s", got.Plan["read"], got.Plan["write"])
	}
	pairs, err := compare(r, atExit)
	if err != nil {
		t.Errorf("%v\n%s", err, indent(messagesOf(r.stderr)))
		return probes, "NOT EQUAL"
	}
	n := 0
	for _, p := range pairs {
		n += len(p.Trace.Frames)
	}
	return probes, fmt.Sprintf("equal: %d frames", n)
}

// analyzed returns the plan for a file as process events print it.
func analyzed(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := plan.Analyze(f, plan.Auto)
	if err != nil {
		t.Fatal(err)
	}
	probes := make(map[string]string)
	for _, probe := range p.Describe() {
		probes[string(probe.Tap)] = probe.Name
	}
	return probes
}
