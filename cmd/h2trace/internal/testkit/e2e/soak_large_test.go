package e2e

import (
	"bufio"
	"debug/elf"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// TestSoakLarge attaches to a running client of more than 100 MB, and observes its
// next request.
func TestSoakLarge(t *testing.T) {
	needProbes(t)
	const part = "large"
	functions := amount(t, part, "functions in the large executable", 6_000, 60_000)
	s := startSite(t)
	src := largeSource(t, functions)
	for _, name := range []string{"with symbols and DWARF", "stripped"} {
		file := filepath.Join(t.TempDir(), "large")
		args := []string{"build", "-trimpath", "-o", file} // so that the next run finds it in the cache
		if name == "stripped" {
			args = append(args, "-ldflags=-s")
		}
		cmd := exec.Command("go", args...)
		cmd.Dir = src
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, indent(string(out)))
		}
		tell(t, part, name, file)
		var took []time.Duration
		for range 11 {
			target := startFile(t, file, s.env, "-", s.url+"/large")
			took = append(took, attachTime(t, target))
		}
		within(t, part, name+": from the start of h2trace to its attached event, median", quantile(took, 0.5), onBusy(500, promptly), "ms")
		told(t, part, name+": longest", quantile(took, 1), "ms")
	}
}

// attachTime attaches to a program that waits, and returns the time until h2trace has
// printed that. Then the program sends its request.
func attachTime(t *testing.T, target *program) time.Duration {
	t.Helper()
	cmd := exec.Command(bin(t, "h2trace"), "-p", strconv.Itoa(target.pid))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var took time.Duration
	seen := false
	for lines := bufio.NewScanner(io.TeeReader(stdout, contract.Checked(t, io.Discard))); lines.Scan(); {
		switch {
		case strings.Contains(lines.Text(), `"action":"attached"`):
			took = time.Since(began)
			target.goOn()
			target.end()
		case strings.Contains(lines.Text(), `{"name":":path","value":"/large"}`):
			seen = true
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if took == 0 || !seen {
		t.Errorf("attached after %s, request seen: %t", took, seen)
	}
	return took
}

// largeSource writes a client with many functions, which are linked and never called,
// and 96 MB of embedded data.
func largeSource(t *testing.T, functions int) (dir string) {
	t.Helper()
	const packages, data = 20, 96 << 20
	dir = t.TempDir()
	write := func(name string, text []byte) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	noise := make([]byte, data)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	write("go.mod", []byte("module large\n\ngo 1.22\n"))
	write("main.go", []byte(fetchSource))
	write("data", noise)
	var imports, calls strings.Builder
	for p := range packages {
		fmt.Fprintf(&imports, "\t\"large/p%d\"\n", p)
		fmt.Fprintf(&calls, "\t\tfor _, f := range p%d.All {\n\t\t\tf(nil, nil)\n\t\t}\n", p)
		write(fmt.Sprintf("p%d/p.go", p), largePackage(p, functions/packages))
	}
	write("large.go", fmt.Appendf(nil, `package main

import (
	_ "embed"
	"os"
%s)

//go:embed data
var data string

func init() {
	if len(os.Args) > 1000 {
		os.Stdout.WriteString(data)
%s	}
}
`, imports.String(), calls.String()))
	return dir
}

// largePackage is the source of a package with some functions.
func largePackage(number, functions int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "package p%d\n\nvar All = []func(map[string]int, []int) int{\n", number)
	for f := range functions {
		fmt.Fprintf(&b, "\tf%d,\n", f)
	}
	b.WriteString("}\n")
	for f := range functions {
		fmt.Fprintf(&b, "\nfunc f%d(m map[string]int, a []int) int {\n", f)
		for s := range 10 {
			fmt.Fprintf(&b, "\tm[\"%d.%d.%d\"] += a[%d] * %d\n", number, f, s, s, f)
		}
		b.WriteString("\treturn len(m)\n}\n")
	}
	return []byte(b.String())
}

// tell reports what an executable is made of.
func tell(t *testing.T, part, name, file string) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	told(t, part, name+": size of the executable", float64(info.Size())/1e6, "MB")
	for _, section := range []string{".text", ".gopclntab", ".rodata", ".symtab"} {
		if s := f.Section(section); s != nil {
			told(t, part, name+": "+section, float64(s.Size)/1e6, "MB")
		}
	}
	if info.Size() < 100e6 {
		t.Errorf("%d bytes are not large", info.Size())
	}
}
