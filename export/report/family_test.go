package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFamilyOfVersion has a proxy say so of paths that are asked for one version. What
// it says of another version has a consequence.
func TestFamilyOfVersion(t *testing.T) {
	var w writer
	w.command(0)
	for _, q := range []struct {
		path, version string
		status        int
	}{
		{"m.example/org/m", "v1.0.0", 200},
		{"m.example/org", "v1.0.0", 403},
		{"m.example", "v1.0.0", 403},
		{"m.example/org/m/nested", "v0.1.0", 403},
	} {
		x := asked(adviser+"/"+q.path+"/@v/"+q.version+".info", q.status, "")
		x.module, x.version, x.next, x.barred = q.path, q.version, "none", "direct"
		w.exchange(x)
	}
	w.exit(9, 0)
	r := read(t, w.String()).Report()
	want := map[string]int64{"http_4xx": 1}
	if diff := cmp.Diff([]map[string]int64{want, want}, []map[string]int64{r.Proxies[0].Failures, r.Kinds[0].Failures}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]Fallback{{adviser, "403", "none", 1, 5, "direct"}}, r.Fallbacks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFamilyElsewhere has a proxy that does not have a version, and another that has.
func TestFamilyElsewhere(t *testing.T) {
	var w writer
	w.command(0)
	for proxy, status := range map[string]int{"https://a.example": 404, "https://b.example": 200} {
		x := asked(proxy+"/m.example/org/m/@v/v1.0.0.info", status, "")
		x.module, x.version, x.proxy = "m.example/org/m", "v1.0.0", proxy
		w.exchange(x)
	}
	w.exit(9, 0)
	failures := map[string]map[string]int64{}
	for _, p := range read(t, w.String()).Report().Proxies {
		failures[p.Proxy] = p.Failures
	}
	want := map[string]map[string]int64{"https://a.example": {"http_4xx": 1}, "https://b.example": {}}
	if diff := cmp.Diff(want, failures); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFamily has proxies say of paths that they are no modules.
func TestFamily(t *testing.T) {
	const found, refuses = "https://a.example", "https://b.example"
	var w writer
	w.command(0)
	for _, q := range []struct {
		proxy, path string
		status      int
	}{
		{found, "m.example/org/m/p", 404},
		{found, "m.example/org/m", 200},
		{found, "m.example/org", 403},
		{found, "m.example/orgy", 403}, // of no family
		{refuses, "n.example/m", 403},
	} {
		x := asked(q.proxy+"/"+q.path+"/@v/list", q.status, "")
		x.module, x.proxy = q.path, q.proxy
		w.exchange(x)
	}
	w.exit(9, 0)
	r := read(t, w.String()).Report()
	got := map[string]map[string]int64{}
	for _, p := range r.Proxies {
		got[p.Proxy] = p.Failures
	}
	for _, k := range r.Kinds {
		got[k.Kind] = k.Failures
	}
	want := map[string]map[string]int64{found: {"http_4xx": 1}, refuses: {"http_4xx": 1}, "list": {"http_4xx": 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
