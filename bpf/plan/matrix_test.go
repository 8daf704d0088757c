package plan

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/scripts/goreleases"
)

// How much of the matrix a variant belongs to.
const (
	fullOnly = iota
	newestToo
	always
)

// variants are build options that change the code of a program or its tables. Each is
// built with symbols and stripped.
var variants = []struct {
	name   string
	source string
	env    []string
	args   []string
	read   string // the plan of Read
	since  int    // the first release that knows the arguments, 0: all
	scope  int
}{
	{name: "default", source: tlsProgram, read: memmove, scope: always},
	{name: "net-http", source: httpProgram, read: memmove, scope: newestToo},
	{name: "trimpath", source: tlsProgram, args: []string{"-trimpath"}, read: memmove},
	{name: "pie", source: tlsProgram, args: []string{"-buildmode=pie"}, read: memmove, scope: newestToo},
	{name: "v3", source: httpProgram, env: []string{"GOAMD64=v3"}, read: memmove}, // TestAnalyze covers it, too
	{name: "N-l", source: tlsProgram, args: []string{"-gcflags=all=-N -l"}, read: entryRet, scope: newestToo},
	{name: "l", source: tlsProgram, args: []string{"-gcflags=all=-l"}, read: entryRet},
	{name: "race", source: tlsProgram, env: cgo, args: []string{"-race"}, read: slicecopy, scope: newestToo},
	{name: "asan", source: tlsProgram, env: cgo, args: []string{"-asan"}, read: slicecopy},
	{name: "cgo", source: tlsProgram, env: cgo, args: []string{"-ldflags=-linkmode=external"}, read: memmove},
	{name: "cgo-pie", source: httpProgram, env: cgo, args: []string{"-buildmode=pie", "-ldflags=-linkmode=external"}, read: memmove, scope: newestToo},
	{name: "arm64", source: tlsProgram, env: onARM64, read: memmove},
	{name: "arm64-net-http", source: httpProgram, env: onARM64, read: memmove, scope: newestToo},
	{name: "arm64-trimpath", source: tlsProgram, env: onARM64, args: []string{"-trimpath"}, read: memmove},
	{name: "arm64-pie", source: tlsProgram, env: onARM64, args: []string{"-buildmode=pie"}, read: memmove},
	{name: "arm64-v9", source: httpProgram, env: append([]string{"GOARM64=v9.0"}, onARM64...), read: memmove, since: 23},
	{name: "arm64-N-l", source: tlsProgram, env: onARM64, args: []string{"-gcflags=all=-N -l"}, read: entryRet},
	{name: "arm64-l", source: tlsProgram, env: onARM64, args: []string{"-gcflags=all=-l"}, read: entryRet},
	{name: "arm64-race", source: tlsProgram, env: crossARM64, args: []string{"-race"}, read: slicecopy},
	{name: "arm64-cgo", source: tlsProgram, env: crossARM64, args: []string{"-ldflags=-linkmode=external"}, read: memmove},
	{name: "arm64-cgo-pie", source: httpProgram, env: crossARM64, args: []string{"-buildmode=pie", "-ldflags=-linkmode=external"}, read: memmove},
	{name: "pgo", source: profiledProgram, read: memmove, since: 21},
}

const (
	memmove   = "CALL runtime.memmove"
	slicecopy = "CALL runtime.slicecopy"
	entryRet  = "entry+RET"
)

var cgo = []string{"CGO_ENABLED=1"}

var (
	onARM64    = []string{"GOARCH=arm64"}
	crossARM64 = []string{"GOARCH=arm64", "CGO_ENABLED=1", "CC=aarch64-linux-gnu-gcc"}
)

// httpProgram is client and server, so that it has all taps.
const httpProgram = `package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"unsafe"
)

func main() {
	var c, d net.Conn = (*net.TCPConn)(nil), (*tls.Conn)(nil)
	itab, other := *(*unsafe.Pointer)(unsafe.Pointer(&c)), *(*unsafe.Pointer)(unsafe.Pointer(&d))
	fmt.Print(*(*uint32)(unsafe.Add(itab, 16)), *(*uint32)(unsafe.Add(other, 16)))
	switch len(os.Args) {
	case 2:
		http.Get(os.Args[1])
	case 3:
		http.ListenAndServeTLS(os.Args[1], os.Args[2], os.Args[2], nil)
	}
}
`

// profiledProgram writes a CPU profile of itself while it moves data over TLS, when
// it gets a file name.
const profiledProgram = `package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"runtime/pprof"
	"time"
	"unsafe"
)

func main() {
	var c, d net.Conn = (*net.TCPConn)(nil), (*tls.Conn)(nil)
	itab, other := *(*unsafe.Pointer)(unsafe.Pointer(&c)), *(*unsafe.Pointer)(unsafe.Pointer(&d))
	fmt.Print(*(*uint32)(unsafe.Add(itab, 16)), *(*uint32)(unsafe.Add(other, 16)))
	if len(os.Args) < 2 {
		return
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	})
	check(err)
	profile, err := os.Create(os.Args[1])
	check(err)
	check(pprof.StartCPUProfile(profile))
	go func() {
		conn, err := ln.Accept()
		check(err)
		for b := make([]byte, 100); ; {
			if _, err := conn.Write(b); err != nil {
				return
			}
		}
	}()
	conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	check(err)
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, struct{ io.Reader }{conn})
	conn.Close()
	pprof.StopCPUProfile()
	check(profile.Close())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
`

// TestMatrix plans programs of each release and variant. Without H2TRACE_MATRIX=1 it
// takes some of them.
func TestMatrix(t *testing.T) {
	full := os.Getenv("H2TRACE_MATRIX") == "1"
	list, reduction := goreleases.Take(full)
	if !full {
		t.Attr("reduced", "plans: most variants only for the newest release or not at all; "+reduction)
	}
	var cells atomic.Int64
	t.Cleanup(func() {
		if !t.Failed() {
			t.Attr("measured", fmt.Sprintf("plans of releases and variants\t%d, each where the disassembler of the Go distribution has it", cells.Load()))
		}
	})
	newest := list[len(list)-1]
	for _, release := range list {
		requireToolchain(t, release)
		for _, v := range variants {
			taken := full || v.scope == always || v.scope == newestToo && release == newest
			if !taken || goMinor(release) < v.since {
				continue
			}
			t.Run(release+"/"+v.name, func(t *testing.T) {
				t.Parallel()
				env := append(goreleases.Env(release), v.env...)
				args := v.args
				if v.source == profiledProgram {
					profile := filepath.Join(t.TempDir(), "default.pgo")
					run(t, build(t, v.source, env), profile)
					args = append(args, "-pgo="+profile)
				}
				path := build(t, v.source, env, args...)
				p := checkProgram(t, path, release, v.read)
				hashes := fmt.Sprint(p.TCPConnHash, p.TLSConnHash)
				emulated := full && v.name != "arm64-race" // its sanitizer finds no room in QEMU
				if want := says(t, path, v.source, goreleases.Env(release), emulated); hashes != want {
					t.Errorf("type hashes of *net.TCPConn and *tls.Conn: got %s, the program says %s", hashes, want)
				}
				if v.source == httpProgram {
					checkTaps(t, path, Verification, verification)
				}
				stripped, err := analyze(t, build(t, v.source, env, strip(args)...), Auto)
				if err != nil {
					t.Fatalf("stripped: %v", err)
				}
				if diff := cmp.Diff(p.Sites, stripped.Sites); diff != "" {
					t.Errorf("sites (-with symbols +stripped):\n%s", diff)
				}
				if diff := cmp.Diff(p.Secrets, stripped.Secrets); diff != "" {
					t.Errorf("secrets (-with symbols +stripped):\n%s", diff)
				}
				if diff := cmp.Diff(p.Failures, stripped.Failures); diff != "" {
					t.Errorf("failures (-with symbols +stripped):\n%s", diff)
				}
				if stripped.Types != p.Types {
					t.Errorf("stripped: got the types %+v, want %+v", stripped.Types, p.Types)
				}
				cells.Add(1)
			})
		}
	}
}

// strip adds -s to the arguments of go build.
func strip(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if strings.HasPrefix(arg, "-ldflags=") {
			args[i] += " -s"
			return args
		}
	}
	return append(args, "-ldflags=-s")
}

// requireToolchain skips when a release is unavailable.
func requireToolchain(t *testing.T, release string) {
	t.Helper()
	cmd := exec.Command("go", "env", "GOVERSION")
	cmd.Dir = t.TempDir() // older releases do not understand this module's go.mod
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+release)
	if out, err := cmd.Output(); err != nil || string(bytes.TrimSpace(out)) != release {
		t.Skipf("%s cannot be fetched here: %v", release, err)
	}
}

// run returns the output of a program.
func run(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// checkProgram compares the plan of a program with symbols with the disassembler of the Go
// distribution.
func checkProgram(t *testing.T, path, release, read string) *Plan {
	t.Helper()
	p, err := analyze(t, path, Auto)
	if err != nil {
		t.Fatal(err)
	}
	args := stackCheckOf(t, path, release)
	want := []Probe{{ClientHandshake, args}, {Close, args}, {Read, read}, {Write, args}}
	got := p.Describe()
	if len(got) == 5 { // a server, too
		want = slices.Insert(want, 1, Probe{ServerHandshake, args})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if p.GoVersion != release {
		t.Errorf("Go version: got %q, want %q", p.GoVersion, release)
	}
	if len(p.Secrets) != 1 || p.Secrets[0].Package != "crypto/tls" || p.Secrets[0].Kind.String() != args {
		t.Errorf("secrets: got %+v, want %s of crypto/tls", p.Secrets, args)
	}
	checkSites(t, path, p.Sites)
	checkSites(t, path, p.Secrets)
	checkFailures(t, path, p.Failures)
	checkRets(t, path)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	exe, err := openExecutable(file, anyMachine, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkTLS(t, exe)
	return p
}
