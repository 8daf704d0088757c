package proxies

import "testing"

func TestChoosePackage(t *testing.T) {
	const out = "main example.com/m/cmd/tool 9\nm example.com/m 1\nx example.com/m/internal/x 8\ny example.com/m/y 3\nz example.com/m/z 3\n"
	if got, ok := choosePackage(out); !ok || got.path != "example.com/m/y" {
		t.Errorf("got %+v, want example.com/m/y", got)
	}
	if got, ok := choosePackage("main example.com/m 1\n"); ok {
		t.Errorf("got %+v of a module without a package to import", got)
	}
}

func TestSourceOf(t *testing.T) {
	got := sourceOf([]goPackage{{"example.com/a", 1}, {"example.com/b", 2}})
	const want = "package main\n\nimport (\n\tp \"example.com/b\"\n\t_ \"example.com/a\"\n)\n\nfunc main() {\n}\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
