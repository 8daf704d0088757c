package goproxy

import (
	"net/url"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
)

func TestParse(t *testing.T) {
	const host = "https://goproxy.example"
	tests := []struct {
		url   string
		proxy string
		want  Request
	}{
		{"/example.com/a/@v/list", "", Request{Kind: List, Path: "example.com/a"}},
		{"/example.com/a/@latest", "", Request{Kind: Latest, Path: "example.com/a"}},
		{"/example.com/a/@v/v1.2.3.info", "", Request{Kind: Info, Path: "example.com/a", Version: "v1.2.3"}},
		{"/example.com/a/@v/v1.2.3.mod", "", Request{Kind: Mod, Path: "example.com/a", Version: "v1.2.3"}},
		{"/example.com/!burnt!sushi/@v/v1.0.0-!r!c1.zip", "", Request{Kind: Zip, Path: "example.com/BurntSushi", Version: "v1.0.0-RC1"}},
		{"/example.com/%21a/@v/v2.0.0+incompatible.zip", "", Request{Kind: Zip, Path: "example.com/A", Version: "v2.0.0+incompatible"}},
		{"/example.com/a/@v/master.info", "", Request{Kind: Info, Path: "example.com/a", Version: "master"}},
		{"/example.com/a/v2/@v/v2.0.0.zip?x=1", "", Request{Kind: Zip, Path: "example.com/a/v2", Version: "v2.0.0"}},
		{"/api/go/virtual/example.com/a/@v/list", "", Request{Kind: List, Path: "example.com/a", Base: "/api/go/virtual"}},
		{"/repo.v1/example.com/a/@v/list", "", Request{Kind: List, Path: "repo.v1/example.com/a"}},
		{"/repo.v1/example.com/a/@v/list", host + "/repo.v1/", Request{Kind: List, Path: "example.com/a", Base: "/repo.v1"}},
		{"/example.com/a/@v/list", host + "/repo.v1", Request{Kind: List, Path: "example.com/a"}},

		{"/sumdb/sum.example/supported", "", Request{Kind: SumDBSupported, Base: "/sumdb/sum.example"}},
		{"/x/sumdb/sum.example/latest", "", Request{Kind: SumDBLatest, Base: "/x/sumdb/sum.example"}},
		{
			"/sumdb/sum.example/lookup/example.com/!a@v1.0.0", "",
			Request{Kind: SumDBLookup, Path: "example.com/A", Version: "v1.0.0", Base: "/sumdb/sum.example"},
		},
		{"/lookup/example.com/a@v1.0.0", "", Request{Kind: SumDBLookup, Path: "example.com/a", Version: "v1.0.0"}},
		{"/latest", "", Request{Kind: SumDBLatest}},
		{"/tile/8/0/x001/x234/067", "", Request{Kind: SumDBTile}},
		{"/sumdb/sum.example/tile/8/data/000.p/7", "", Request{Kind: SumDBTile, Base: "/sumdb/sum.example"}},

		{"/", "", Request{}},
		{"/index.html", "", Request{}},
		{"/example.com/a/@v/v1.0.0.ziphash", "", Request{}},
		{"/example.com/a/@v/v1.0.0", "", Request{}},
		{"/nodot/@v/list", "", Request{}},
		{"/example.com/A/@v/list", "", Request{}}, // not escaped
		{"/supported", "", Request{}},
		{"/lookup/example.com/a", "", Request{}},
		{"/tile/x/0/000", "", Request{}},
		{"/sumdb/sum.example/tile/8", "", Request{}},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			got, _, ok := ParseProxies(tt.proxy).Parse(host + tt.url)
			if got != tt.want || ok != (tt.want != Request{}) {
				t.Errorf("got %+v, %v, want %+v", got, ok, tt.want)
			}
		})
	}
}

// TestParseTiles compares with the paths that the go command itself requests.
func TestParseTiles(t *testing.T) {
	for _, n := range []int64{0, 1, 255, 1000, 1 << 20, 1 << 40} {
		for _, level := range []int{-1, 0, 3} {
			tile := tlog.Tile{H: 8, L: level, N: n, W: 1 << 8}
			for _, w := range []int{1 << 8, 17} {
				tile.W = w
				got, ok := Parse("https://sum.example/" + tile.Path())
				if want := (Request{Kind: SumDBTile}); !ok || got != want {
					t.Errorf("%s: got %+v, %v", tile.Path(), got, ok)
				}
			}
		}
	}
}

// FuzzParse checks that an escaped request is parsed back, with any base path.
func FuzzParse(f *testing.F) {
	f.Add("github.com/BurntSushi/toml", "v1.0.0", "/a/b")
	f.Fuzz(func(t *testing.T, path, version, base string) {
		Parse("https://goproxy.example" + base + path + version)
		escaped, err := module.EscapePath(path)
		if err != nil {
			return
		}
		ev, err := module.EscapeVersion(version)
		if err != nil {
			return
		}
		u := url.URL{Scheme: "https", Host: "goproxy.example", Path: "/base/" + escaped + "/@v/" + ev + ".zip"}
		got, ok := Parse(u.String())
		if want := (Request{Kind: Zip, Path: path, Version: version, Base: "/base"}); !ok || got != want {
			t.Errorf("got %+v, %v, want %+v", got, ok, want)
		}
	})
}
