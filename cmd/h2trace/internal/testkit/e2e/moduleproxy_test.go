package e2e

import (
	"encoding/json"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// TestModuleProxy observes a module proxy that others wrote, on both sides. Modules are
// downloaded through it twice, with empty caches. What it had, and what it asked for, must
// be what the proxy behind it logged.
func TestModuleProxy(t *testing.T) {
	needProbes(t)
	a := modproxy.NewAuthority(t)
	mods := modproxy.Modules("example.test/m", 5, 2000)
	origin := modproxy.Start(t, a, mods, modproxy.Options{})
	own := modproxy.NewWorkspace(t, a, mods, origin)
	target := startFile(t, bin(t, "moduleproxy"), own.Env, t.TempDir())
	addr, err := target.stdout.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
	tr.awaitEvent(`"action":"attached"`, 1)
	download := func() (upstream map[string]int64) {
		before := len(origin.Requests())
		w := modproxy.NewWorkspace(t, a, mods)
		cmd := exec.Command("go", "mod", "download")
		cmd.Dir, cmd.Env = w.Dir, append(w.Env, "GOPROXY=http://"+strings.TrimSpace(addr))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go mod download: %v\n%s", err, indent(string(out)))
		}
		upstream = make(map[string]int64)
		for _, r := range origin.Requests()[before:] {
			upstream[strings.TrimPrefix(path.Ext(r.Path), ".")]++
		}
		return upstream
	}
	first, second := download(), download()
	if len(first) == 0 || len(second) != 0 {
		t.Fatalf("the proxy asked for %v, and then for %v", first, second)
	}
	tr.interrupt()
	var got struct {
		Served []struct {
			Kind                           string
			Requests, Failed, Hits, Misses int64
			Own                            float64 `json:"own_ms"`
			Upstream                       float64 `json:"upstream_ms"`
		}
		Kinds []struct {
			Kind     string
			Requests int64
		}
	}
	c := conclude(t, tr.events)
	if err := json.Unmarshal([]byte(c.whole), &got); err != nil {
		t.Fatal(err)
	}
	// At the first request for a module it fetches all of its files.
	var requests, misses, hits int64
	for _, k := range got.Served {
		requests, misses, hits = requests+k.Requests, misses+k.Misses, hits+k.Hits
		if k.Failed != 0 || k.Own < 0 || (k.Upstream > 0) != (k.Misses > 0) {
			t.Errorf("%s: got %+v", k.Kind, k)
		}
	}
	if n := int64(len(mods)); requests != 6*n || misses != n || hits != 5*n {
		t.Errorf("got %d requests, %d misses and %d hits of %d modules; want a miss for each", requests, misses, hits, n)
	}
	for _, k := range got.Kinds {
		if k.Requests != first[k.Kind] {
			t.Errorf("%d requests for %s, and the proxy behind logged %d", k.Requests, k.Kind, first[k.Kind])
		}
	}
	if t.Failed() {
		t.Log(c.whole)
	}
}
