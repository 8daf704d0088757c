package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	const (
		pass = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
`
		skip = `{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    no root\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
`
		fail = `{"Action":"output","Package":"p","Test":"TestC","Output":"    got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
`
		endOK   = `{"Action":"pass","Package":"p","Elapsed":1.5}` + "\n"
		endFail = `{"Action":"fail","Package":"p","Elapsed":1.5}` + "\n"
		hung    = `{"Action":"output","Package":"p","Test":"TestD","Output":"panic: test timed out\n"}` + "\n"
		build   = `{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined: x\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
`
		attrs = `{"Action":"attr","Package":"p","Test":"TestA","Key":"progress","Value":"noise, 1 of 2"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"reduced","Value":"1 of 10 copies"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"measured","Value":"delay\t0.1 ms"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"measured","Value":"long delay\t0.2 ms"}
{"Action":"attr","Package":"p","Test":"TestA","Key":"other","Value":"noise"}
`
		noTests = `{"Action":"output","Package":"q","Output":"?   q [no test files]\n"}
{"Action":"skip","Package":"q"}
`
	)
	tests := []struct {
		name    string
		in      string
		allowed string // with "-": skips are not checked
		ok      bool
		want    []string
		not     string
	}{
		{"pass", pass + endOK + noTests, "", true, []string{"ok    p", "\n1 passed, 0 failed, 0 skipped\n"}, "noise"},
		{"fail", pass + fail + endFail, "", false, []string{"got 1, want 2\n", "FAIL  p", "\n1 passed, 1 failed, 0 skipped\n"}, "noise"},
		{"fail, at the end", fail + attrs + pass + endFail, "", false, []string{"1 of 10 copies\nfailed: p TestC\n        got 1, want 2\n1 passed, 1 failed"}, "noise"},
		{"fail, long", strings.Repeat(`{"Action":"output","Package":"p","Test":"TestC","Output":"line\n"}`+"\n", 25) + fail + endFail, "", false, []string{"failed: p TestC\n    (6 lines more above)\n    line\n", "\n        got 1, want 2\n0 passed"}, "noise"},
		{"fail, many", strings.Repeat(fail, 25) + endFail, "", false, []string{"\nfailed: 5 more above\n0 passed, 25 failed"}, "noise"},
		{"skip at home", pass + skip + endOK, "-", true, []string{"no root\n", "\n1 passed, 0 failed, 1 skipped\n"}, "RUN"},
		{"skip in CI", pass + skip + endOK, "# p TestB no\n", false, []string{"TestB was skipped", "1 skipped\n"}, "noise"},
		{"skip allowed in CI", pass + skip + endOK, "p TestB because\n", true, []string{"no root\n"}, "was skipped"},
		{"skip allowed without reason", pass + skip + endOK, "p TestB\n", false, []string{"TestB was skipped"}, "noise"},
		{"timeout", pass + hung + endFail, "", false, []string{"panic: test timed out\n", "failed: p TestD\n    panic: test timed out\n1 passed, 1 failed, 0 skipped\n"}, "noise"},
		{"build", build, "", false, []string{"p.go:1: undefined: x\n", "failed: p \n    p.go:1: undefined: x\n0 passed, 1 failed, 0 skipped\n"}, "noise"},
		{"attributes", attrs + pass + endOK, "", true, []string{
			"0 skipped\nmeasured: delay       0.1 ms\nmeasured: long delay  0.2 ms\nreduced: 1 of 10 copies\n1 passed, 0 failed, 0 skipped\n",
		}, "noise"},
		{"nothing", noTests, "", false, []string{"there were no tests\n"}, "noise"},
		{"no json", "go: no such package\n" + pass + endOK, "", true, []string{"go: no such package\n"}, "noise"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b, progress strings.Builder
			p := newProgress(&progress, true)
			s := newSummary(&b, p)
			if tt.allowed != "-" {
				s.forbidSkips(tt.allowed)
			}
			if err := s.read(strings.NewReader(tt.in)); err != nil {
				t.Fatal(err)
			}
			p.stop()
			if got := s.finish(); got != tt.ok {
				t.Errorf("got %t, want %t", got, tt.ok)
			}
			for _, want := range tt.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("got\n%s\nwant %q in it", b.String(), want)
				}
			}
			if got, want := progress.String() != "", strings.Contains(tt.in, `"progress"`); got != want {
				t.Errorf("progress: %q", progress.String())
			}
			if strings.Contains(b.String(), tt.not) {
				t.Errorf("got\n%s\ndo not want %q in it", b.String(), tt.not)
			}
		})
	}
}
