package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/child"
)

// plainSource is a Go program without crypto/tls. With arguments it runs them as
// another program and ends with its status. Without, it prints its process id and
// waits for the end of its stdin.
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

// fetchSource is an HTTP client that executes its arguments in turn:
//
//	http…       gets the URL and prints the body
//	mute        prints no more bodies
//	Name:value  sets a header field of all requests that follow
//	-           prints its process id and waits for a line on stdin
//	@FILE       prints its process id and waits until there is FILE
//	!COMMAND    runs COMMAND in a shell
const fetchSource = `package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

var bodies io.Writer = os.Stdout

func main() {
	log.SetFlags(0)
	stdin := bufio.NewReader(os.Stdin)
	header := http.Header{}
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, ":")
		switch {
		case strings.HasPrefix(arg, "http"):
			get(arg, header)
		case arg == "mute":
			bodies = io.Discard
		case arg == "-":
			fmt.Println(os.Getpid())
			if _, err := stdin.ReadString('\n'); err != nil {
				return
			}
		case arg[0] == '@':
			fmt.Println(os.Getpid())
			await(arg[1:])
		case arg[0] == '!':
			cmd := exec.Command("sh", "-c", arg[1:])
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Run(); err != nil {
				log.Fatal(err)
			}
		default:
			header.Set(name, value)
		}
	}
}

func get(url string, header http.Header) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		log.Fatal(err)
	}
	req.Header = header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(bodies, resp.Body); err != nil {
		log.Fatal(err)
	}
}

func await(file string) {
	for range 12000 { // a minute, should the test be gone
		if _, err := os.Stat(file); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	log.Fatal("no ", file)
}
`

// speakSource is a Go program without crypto/tls that speaks HTTP/1.1. It prints its
// process id, and sends a request to the given address for each line of its stdin.
const speakSource = `package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	fmt.Println(os.Getpid())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		conn, err := net.Dial("tcp", os.Args[1])
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", in.Text(), os.Args[1])
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
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
	plain       = goProgram{name: "plain", source: plainSource}
	plain386    = goProgram{name: "plain386", source: plainSource, env: []string{"GOARCH=386"}}
	speak       = goProgram{name: "speak", source: speakSource}
	fetch       = goProgram{name: "fetch", source: fetchSource}
	stripped    = goProgram{name: "stripped", source: fetchSource, flags: []string{"-ldflags=-s"}}
	strippedPIE = goProgram{name: "stripped-pie", source: fetchSource, flags: []string{"-buildmode=pie", "-ldflags=-s"}}
	race        = goProgram{name: "race", source: fetchSource, flags: []string{"-race"}, env: []string{"CGO_ENABLED=1"}}
	// debugged has the build flags of debuggers.
	debugged         = goProgram{name: "debugged", source: fetchSource, flags: []string{"-gcflags=all=-N -l"}}
	externallyLinked = goProgram{name: "external", source: fetchSource, flags: []string{"-ldflags=-linkmode=external -s"}, env: []string{"CGO_ENABLED=1"}}
	// experiment has the version of a build with GOEXPERIMENT; h2trace treats it as
	// the release.
	experiment = goProgram{name: "experiment", source: fetchSource, flags: []string{"-ldflags=-X=runtime.buildVersion=" + runtime.Version() + "-X:jsonv2"}}
	// shuffled is fetch with every function at another address.
	shuffled = goProgram{name: "shuffled", source: fetchSource, flags: []string{"-ldflags=-randlayout=7"}}
)

var programs struct {
	sync.Mutex
	built map[string]bool
}

// path builds the program, once for all tests, and returns its path.
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
	for name, text := range map[string]string{"main.go": p.source, "go.mod": fmt.Sprintf("module %s\n\ngo 1.22\n", p.name)} {
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

// no386 returns why 32-bit programs cannot run here: kernels without
// CONFIG_IA32_EMULATION, or with ia32_emulation=0, answer ENOEXEC.
func no386(t testing.TB) error {
	t.Helper()
	return startable(plain386.path(t))
}

// startable returns why a program that ends with its stdin cannot run here.
func startable(path string) error {
	return exec.Command(path).Run()
}

// need386 skips a test where 32-bit programs cannot run, in CI too: skips.txt of
// scripts/testsummary lists these tests.
func need386(t testing.TB) {
	t.Helper()
	if err := no386(t); err != nil {
		t.Skipf("32-bit programs do not run on this kernel: %v", err)
	}
}

// copyTo puts a copy of the program at file, which is a new inode.
func (p goProgram) copyTo(t testing.TB, file string) {
	t.Helper()
	copyFile(t, p.path(t), file)
}

// copyFile creates a new executable.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	child.WriteProgram(t, to, b)
}
