package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/scripts/goreleases"
)

// matrixClient is an HTTP/2 client for Go 1.18. It checks every body, prints nothing,
// and does so for a second under a CPU profile if it gets a file for that.
const matrixClient = `package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

func main() {
	c := &http.Client{Transport: transport}
	play(c, os.Args[1])
	if len(os.Args) > 2 {
		f, err := os.Create(os.Args[2])
		check(err)
		check(pprof.StartCPUProfile(f))
		for end := time.Now().Add(time.Second); time.Now().Before(end); {
			play(c, os.Args[1])
		}
		pprof.StopCPUProfile()
		check(f.Close())
	}
	c.CloseIdleConnections()
}

func play(c *http.Client, base string) {
	get(c, base+"/first")
	body := bytes.Repeat([]byte("0123456789"), 10000)
	resp, err := c.Post(base+"/echo", "text/plain", bytes.NewReader(body))
	check(err)
	answer, err := io.ReadAll(resp.Body)
	check(err)
	resp.Body.Close()
	if !bytes.Equal(answer, body) {
		log.Fatal("another body came back")
	}
	var wg sync.WaitGroup
	for i := 0; i < 5; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			get(c, fmt.Sprintf("%s/%d%s", base, i, strings.Repeat("/long", 1000)))
		}(i)
	}
	wg.Wait()
}

// get wants the path back.
func get(c *http.Client, url string) {
	req, err := http.NewRequest("GET", url, nil)
	check(err)
	req.Header.Set("X-Number", url[len(url)/2:])
	resp, err := c.Do(req)
	check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(err)
	if string(body) != req.URL.Path {
		log.Fatalf("%s: got %.100q", url, body)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// The implementations of HTTP/2 for matrixClient.
const (
	netTransport = `package main

import "net/http"

var transport http.RoundTripper = http.DefaultTransport
`
	xTransport = `package main

import "golang.org/x/net/http2"

var transport = &http2.Transport{}
`
)

// xModules are the last version of golang.org/x/net that Go 1.18 builds, and its
// requirements.
const xModules = `
require golang.org/x/net v0.33.0

require golang.org/x/text v0.21.0
`

// buildMatrixClient builds the client with a release.
func buildMatrixClient(t *testing.T, release, file string, x bool, env []string, flags ...string) {
	t.Helper()
	buildClient(t, matrixClient, release, file, x, env, flags...)
}

// buildClient builds a program that uses one of the transports with a release. It
// needs a network where the release or x/net was never fetched.
func buildClient(t *testing.T, source, release, file string, x bool, env []string, flags ...string) {
	t.Helper()
	transport := netTransport
	if x {
		transport = xTransport
	}
	buildProgram(t, source, transport, release, file, x, env, flags...)
}

// buildProgram builds one of two files.
func buildProgram(t *testing.T, source, implementation, release, file string, x bool, env []string, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	modules := ""
	if x {
		modules = xModules
	}
	for name, text := range map[string]string{
		"go.mod": "module program\n\ngo 1.18\n" + modules, "main.go": source, "implementation.go": implementation,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"build", "-mod=mod", "-o", file}, flags...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	cmd.Env = append(append(cmd.Env, goreleases.Env(release)...), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		text := string(out)
		_, hosts := configuration(t)
		for _, h := range hosts {
			text = strings.ReplaceAll(text, h, "goproxy.example")
		}
		t.Fatalf("go build %v with %s: %v\n%s", flags, release, err, indent(text))
	}
}
