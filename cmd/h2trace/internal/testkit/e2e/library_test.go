package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// librarySource is a Go library for programs of other languages. It gets a URL.
const librarySource = `package main

import "C"

import (
	"io"
	"net/http"
)

//export Fetch
func Fetch(url *C.char) C.int {
	resp, err := http.Get(C.GoString(url))
	if err != nil {
		return 1
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err != nil {
		return 1
	}
	return 0
}

func main() {}
`

var library = goProgram{name: "library", source: librarySource, flags: []string{"-buildmode=c-shared"}, env: []string{"CGO_ENABLED=1"}}

// hostSource is a program in C that prints its process id. It loads the library in
// the file of its first argument, or is linked with it if that is "-". For each line
// of its stdin the library gets one of its other arguments.
const hostSource = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#ifdef LINKED
extern int Fetch(char *);
#endif

int main(int argc, char **argv)
{
	char line[80];
	int (*fetch)(char *) = NULL;

	printf("%d\n", getpid());
	fflush(stdout);
	for (int i = 2; i < argc && fgets(line, sizeof(line), stdin); i++) {
#ifdef LINKED
		fetch = Fetch;
#else
		if (!fetch)
			fetch = (int (*)(char *))dlsym(dlopen(argv[1], RTLD_NOW), "Fetch");
#endif
		if (fetch(argv[i]))
			return 1;
		puts("fetched");
		fflush(stdout);
	}
	fgets(line, sizeof(line), stdin);
	return 0;
}
`

// buildHost builds the program, with flags of the C compiler, and returns its path
// and that of the library.
func buildHost(t *testing.T, flags ...string) (host, shared string) {
	t.Helper()
	shared, dir := library.path(t), t.TempDir()
	host = filepath.Join(dir, "host")
	if err := os.WriteFile(host+".c", []byte(hostSource), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-o", host, host + ".c"}, flags...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Skip("gcc: " + err.Error() + "\n" + string(out))
	}
	return host, shared
}

// TestLibrary observes the Go code of a library in a program in C.
func TestLibrary(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	wantLibrary := func(t *testing.T, r *result, shared string) {
		t.Helper()
		list := processEvents(r.stream, "attached")
		if len(list) != 1 || list[0].Reason != "by Go code in "+shared || !strings.Contains(list[0].Raw, `"plan":{"`) {
			t.Errorf("attached: %s", rawOf(list))
		}
	}
	t.Run("linked", func(t *testing.T) {
		t.Parallel()
		host, shared := buildHost(t, "-DLINKED", library.path(t))
		tr := startTracing(t, command{args: []string{host, "-", s.url + "/linked"}, env: s.env})
		tr.line()
		tr.awaitEvent(`"action":"attached"`, 1)
		if _, err := tr.stdin.Write([]byte("\n\n")); err != nil {
			t.Fatal(err)
		}
		r := tr.wait()
		wantLibrary(t, r, shared)
		wantWhole(t, r, map[string]bool{"/linked": true})
	})
	t.Run("loaded later", func(t *testing.T) {
		t.Parallel()
		host, shared := buildHost(t, "-ldl")
		tr := startTracing(t, command{args: []string{host, shared, s.url + "/before", s.url + "/after"}, env: s.env})
		tr.line()
		tr.awaitEvent(`"action":"skipped"`, 1)
		for _, want := range []int{1, 2} {
			if _, err := tr.stdin.Write([]byte("\n")); err != nil {
				t.Fatal(err)
			}
			if got := tr.line(); got != "fetched" {
				t.Fatalf("got %q", got)
			}
			if want == 1 {
				tr.awaitEvent(`"action":"attached"`, 1)
			}
		}
		r := tr.wait()
		wantLibrary(t, r, shared)
		if !strings.Contains(rawOf(r.stream.Of("frame")), `"DATA"`) {
			t.Errorf("no frame of the second request was seen\n%s\n%s", r.stderr, rawOf(r.stream.Of("process"))+rawOf(r.stream.Of("conn"))+rawOf(r.stream.Of("summary")))
		}
	})
	t.Run("attached", func(t *testing.T) {
		t.Parallel()
		host, shared := buildHost(t, "-DLINKED", library.path(t))
		target := startFile(t, host, s.env, "-", s.url+"/attached")
		checked := invoke(t, invocation{args: []string{"check", "-p", strconv.Itoa(target.pid)}})
		if !strings.Contains(checked.stdout, "ok  process "+strconv.Itoa(target.pid)+", "+host+", Go code in "+shared) {
			t.Errorf("check says\n%s", indent(checked.stdout))
		}
		tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(target.pid)}})
		tr.awaitEvent(`"action":"attached"`, 1)
		target.goOn()
		firstLine(t, target.stdout)
		target.end()
		r := tr.wait()
		wantLibrary(t, r, shared)
		wantWhole(t, r, map[string]bool{"/attached": true})
	})
}
