package plan

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestQuick(t *testing.T) {
	f, err := os.Open(filepath.Join(runtime.GOROOT(), "bin/go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Mode{Auto, EntryRet} {
		p, err := Analyze(f, m)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", p)
		t.Logf("%+v", p.Describe())
	}
}
