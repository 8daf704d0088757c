package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// plainSource is a Go program without crypto/tls. With arguments it runs them
// as another program and ends as that does; without, it says its process id
// and waits for the end of its stdin.
const plainSource = `package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	if len(os.Args) == 1 {
		fmt.Println(os.Getpid())
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = cmd.Run()
	os.Exit(cmd.ProcessState.ExitCode())
}
`

// fetchSource is an HTTP/2 client: it gets each URL of its arguments in turn,
// with the header fields that stand between them as Name:Value, and prints
// each body. Where an argument is "-" it waits for a line on stdin.
const fetchSource = `package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	stdin := bufio.NewReader(os.Stdin)
	header := http.Header{}
	for _, arg := range os.Args[1:] {
		if arg == "-" {
			fmt.Println(os.Getpid())
			if _, err := stdin.ReadString('\n'); err != nil {
				return
			}
			continue
		}
		if name, value, ok := strings.Cut(arg, ":"); ok && !strings.HasPrefix(arg, "https:") {
			header.Set(name, value)
			continue
		}
		req, err := http.NewRequest("GET", arg, nil)
		if err != nil {
			log.Fatal(err)
		}
		req.Header = header.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
			log.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}
`

// goProgram says how to build one of these.
type goProgram struct {
	name   string
	source string
	flags  []string // of go build
	env    []string
}

var (
	plain    = goProgram{name: "plain", source: plainSource}
	plain386 = goProgram{name: "plain386", source: plainSource, env: []string{"GOARCH=386"}}
	fetch    = goProgram{name: "fetch", source: fetchSource}
	stripped = goProgram{name: "stripped", source: fetchSource, flags: []string{"-ldflags=-s"}}
	// shuffled is fetch with every function at another place.
	shuffled = goProgram{name: "shuffled", source: fetchSource, flags: []string{"-ldflags=-randlayout=7"}}
)

var programs struct {
	sync.Mutex
	built map[string]bool
}

// path builds the program, once for all tests, and returns where it is.
func (p goProgram) path(t testing.TB) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	dir := filepath.Join(binDir, "programs", p.name)
	file := filepath.Join(dir, p.name)
	if programs.built[p.name] {
		return file
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.go": p.source, "go.mod": fmt.Sprintf("module %s\n\ngo 1.21\n", p.name)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"build", "-o", file}, p.flags...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off"}, p.env...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", p.name, err, out)
	}
	if programs.built == nil {
		programs.built = make(map[string]bool)
	}
	programs.built[p.name] = true
	return file
}

// copyTo puts a copy of the program at file, which is a new inode.
func (p goProgram) copyTo(t testing.TB, file string) {
	t.Helper()
	b, err := os.ReadFile(p.path(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o755); err != nil {
		t.Fatal(err)
	}
}
