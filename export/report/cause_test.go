package report

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCauses demands that Causes has each constant of that type.
func TestCauses(t *testing.T) {
	file, err := goparser.ParseFile(token.NewFileSet(), "cause.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []Cause
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Cause" {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, Cause(value))
			}
		}
		return true
	})
	if got := Causes(); !slices.Equal(got, want) || len(want) < 12 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestVerdictNamesHelp demands that text and Markdown end the verdict with its page of help.
func TestVerdictNamesHelp(t *testing.T) {
	r := read(t, xSample).Report()
	for want, write := range map[string]func(*strings.Builder) error{
		"\n  h2trace help healthy says more\n\nWhere":      func(b *strings.Builder) error { return r.WriteText(b) },
		"\n* `h2trace help healthy` says more\n\n## Where": func(b *strings.Builder) error { return r.WriteMarkdown(b) },
	} {
		var out strings.Builder
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
