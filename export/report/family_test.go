package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
