package decoder_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var updateAPI = flag.Bool("update-api", false, "write testdata/api.txt anew")

// unsettled are the packages that may change with h2trace, and processMemory the names in
// others; recent are those that have had no second user yet, see doc.go.
var unsettled = []string{"dns", "goproxy", "http1", "quic", "socks"}

var processMemory = regexp.MustCompile(`^(method \(\*Conn\) (Windows|Quiet|ForgoWindows|Listing|Lists|WindowsKnown|Recover|` +
	`TableKnown|Hold|Release|Held|Holds|Note|Join|AwaitJoin|Proven|Place|KeepPlaces)\(|` +
	`(type|field) (Snapshot|WindowSample|StreamSample|NoteSink|Lookup)\b|func NewJoined\(|const (NoPlace|PlaceAhead|PlaceFound)\b)`)

var recent = regexp.MustCompile(`^(flow:|exchange: (type|field|method \(\*?)( |)(Conn|ConnConfig|Hooks|Upgrade)\b|` +
	`exchange: func (NewConn|MixedDetail)\(|\.: method \(\*Conn\) BadPreface\(|` +
	`\.: (field Config\.Overhead|(type|field) (Overhead|Flood|FloodSink|Tally))\b|ktime: method \(Clock\) (Off|Set)\(|` +
	`tcp: (func NewConn\(|method \(\*(Conn|Numbers)\)|(type|field) (Conn|Numbers|Segment)\b))`)

// TestAPI compares what the packages export with testdata/api.txt, the history of which is the
// list of changes for users. "go test ./decoder -run TestAPI -update-api" writes it anew.
func TestAPI(t *testing.T) {
	var got strings.Builder
	err := filepath.WalkDir(".", func(dir string, d os.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case d.Name() == "internal" || d.Name() == "testdata":
			return filepath.SkipDir
		}
		for _, decl := range exported(t, dir) {
			mark := "settled"
			switch {
			case slices.Contains(unsettled, dir), processMemory.MatchString(decl) && (dir == "." || dir == "tls"):
				mark = "may change"
			case recent.MatchString(dir + ": " + decl):
				mark = "recent"
			}
			fmt.Fprintf(&got, "%s: %s: %s\n", filepath.ToSlash(filepath.Join("decoder", dir)), mark, decl)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/api.txt"
	if *updateAPI {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("what is exported has changed; if that is meant, run with -update-api (-api.txt +code):\n%s", diff)
	}
}

// exported returns the exported declarations of a package, one a line.
func exported(t *testing.T, dir string) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(file)
		for _, decl := range file.Decls {
			list = append(list, declared(fset, decl)...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func declared(fset *token.FileSet, decl ast.Decl) (list []string) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		signature := strings.TrimPrefix(text(fset, decl.Type), "func")
		if decl.Recv == nil {
			return []string{"func " + decl.Name.Name + signature}
		}
		if !ast.IsExported(strings.TrimPrefix(text(fset, decl.Recv.List[0].Type), "*")) {
			return nil // it only implements an interface
		}
		return []string{fmt.Sprintf("method (%s) %s%s", text(fset, decl.Recv.List[0].Type), decl.Name.Name, signature)}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					list = append(list, fmt.Sprintf("%v %s", decl.Tok, name.Name))
				}
			case *ast.TypeSpec:
				list = append(list, declaredType(fset, spec)...)
			}
		}
	}
	return list
}

// declaredType returns a type, and its fields or methods.
func declaredType(fset *token.FileSet, spec *ast.TypeSpec) []string {
	name := spec.Name.Name
	var kind string
	var fields []*ast.Field
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		kind, fields = "struct", typ.Fields.List
	case *ast.InterfaceType:
		kind, fields = "interface", typ.Methods.List
	default:
		kind = text(fset, spec.Type)
	}
	list := []string{fmt.Sprintf("type %s %s", name, kind)}
	for _, f := range fields {
		typ := text(fset, f.Type)
		if len(f.Names) == 0 {
			list = append(list, fmt.Sprintf("field %s embeds %s", name, typ))
		}
		for _, field := range f.Names {
			list = append(list, fmt.Sprintf("field %s.%s %s", name, field.Name, cmp.Or(strings.TrimPrefix(typ, "func"), typ)))
		}
	}
	return list
}

// text formats a node in one line.
func text(fset *token.FileSet, node any) string {
	var b strings.Builder
	if err := format.Node(&b, fset, node); err != nil {
		panic(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
