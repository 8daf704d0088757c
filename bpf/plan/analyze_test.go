package plan

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tlsProgram prints the hashes of *net.TCPConn and *tls.Conn, as the runtime knows them
// (internal/abi.ITab.Hash). With an address as argument it is a client.
const tlsProgram = `package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"unsafe"
)

func main() {
	var c, d net.Conn = (*net.TCPConn)(nil), (*tls.Conn)(nil)
	itab, other := *(*unsafe.Pointer)(unsafe.Pointer(&c)), *(*unsafe.Pointer)(unsafe.Pointer(&d))
	fmt.Print(*(*uint32)(unsafe.Add(itab, 16)), *(*uint32)(unsafe.Add(other, 16)))
	if len(os.Args) < 2 {
		return
	}
	conn, err := tls.Dial("tcp", os.Args[1], nil)
	if err != nil {
		panic(err)
	}
	conn.Write([]byte("x"))
	conn.Read(make([]byte, 1))
	conn.Close()
}
`

const plainProgram = `package main

func main() { println("no connection at all") }
`

const socketProgram = `package main

import "net"

func main() {
	conn, err := net.Dial("tcp", "127.0.0.1:80")
	if err == nil {
		conn.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	}
}
`

const acceptProgram = `package main

import (
	"net"
	"os"
)

func main() {
	l, err := net.FileListener(os.NewFile(3, "socket"))
	if err == nil {
		l.Accept()
	}
}
`

// build compiles a program and returns its path.
func build(t testing.TB, source string, env []string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "program")
	cmd := exec.Command("go", append(append([]string{"build", "-o", out}, args...), main)...)
	cmd.Dir = dir // older releases do not understand this module's go.mod
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, msg)
	}
	return out
}

// analyze plans a program for the architecture that it was built for.
func analyze(t *testing.T, path string, mode Mode) (*Plan, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if exe, err := elf.NewFile(f); err == nil && machines[exe.Machine] != nil {
		return AnalyzeFor(machines[exe.Machine].goarch, f, mode)
	}
	return Analyze(f, mode)
}

func TestAnalyze(t *testing.T) {
	cheap := []Probe{
		{ClientHandshake, "PUSH BP"},
		{Close, "PUSH BP"},
		{Read, "CALL runtime.memmove"},
		{Write, "PUSH BP"},
	}
	fallback := []Probe{
		{ClientHandshake, "entry"},
		{Close, "entry"},
		{Read, "entry+RET"},
		{Write, "entry+RET"},
	}
	for _, test := range []struct {
		name string
		env  []string
		args []string
		mode Mode
		want []Probe
	}{
		{name: "default", want: cheap},
		{name: "pie", args: []string{"-buildmode=pie"}, want: cheap},
		{name: "trimpath without DWARF", args: []string{"-trimpath", "-ldflags=-w"}, want: cheap},
		{name: "stripped", args: []string{"-ldflags=-s"}, want: cheap},
		{name: "stripped pie", args: []string{"-buildmode=pie", "-ldflags=-s"}, want: cheap},
		{name: "GOAMD64=v3", env: []string{"GOAMD64=v3"}, want: cheap},
		{name: "entry-ret", mode: EntryRet, want: fallback},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := build(t, tlsProgram, test.env, test.args...)
			p, err := analyze(t, path, test.mode)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, p.Describe()); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if p.TCPConnHash == 0 || p.TLSConnHash == 0 {
				t.Errorf("*net.TCPConn or *tls.Conn is not found: %+v", p.Types)
			}
			if want := goTool(t, "env", "GOVERSION"); p.GoVersion != want {
				t.Errorf("Go version: got %q, want %q", p.GoVersion, want)
			}
			if want := goTool(t, "tool", "buildid", path); p.BuildID != want {
				t.Errorf("build ID: got %q, want %q", p.BuildID, want)
			}
			checkSites(t, path, p.Sites)
		})
	}
}

func goTool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(out))
}

// checkSites compares the bytes in the file at the offsets, where the kernel will put
// its breakpoints.
func checkSites(t *testing.T, path string, sites []Site) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Intel SDM vol. 2: PUSH RBP, JBE rel8 and rel32, CALL rel32, RET.
	opcodes := map[Kind][]string{
		Push: {"\x55"}, StackCheck: {"\x76", "\x0f\x86"},
		Memmove: {"\xe8"}, Slicecopy: {"\xe8"}, Flush: {"\xe8"}, Ret: {"\xc3"},
	}
	if isARM64(file) {
		checkSitesARM64(t, file, sites)
		return
	}
	for _, s := range sites {
		want, ok := opcodes[s.Kind]
		code := string(file[s.Offset:][:2])
		if ok && !slices.ContainsFunc(want, func(op string) bool { return strings.HasPrefix(code, op) }) {
			t.Errorf("%s at %#x: got opcode %x, want %x (%s)", s.Tap, s.Offset, code, want, s.Kind)
		}
		if inRead := s.Kind == Memmove || s.Kind == Slicecopy; inRead && s.ConnSlot == 0 {
			t.Errorf("%s at %#x: no slot for the connection", s.Tap, s.Offset)
		}
	}
}

// TestRets compares the RET instructions with the disassembler of the Go
// distribution: a missed one would lose the data of its call.
func TestRets(t *testing.T) { checkRets(t, build(t, tlsProgram, nil)) }

func checkRets(t *testing.T, path string) {
	t.Helper()
	p, err := analyze(t, path, EntryRet)
	if err != nil {
		t.Fatal(err)
	}
	got := map[Tap]int{}
	for _, s := range p.Sites {
		if s.Kind == Ret {
			got[s.Tap]++
		}
	}
	for _, f := range tapFunctions {
		if f.tap != Read && f.tap != Write {
			continue
		}
		name := `^crypto/tls\.\(\*Conn\)\.` + map[Tap]string{Read: "Read", Write: "Write"}[f.tap] + "$"
		listing := goTool(t, "tool", "objdump", "-s", name, path)
		want := 0
		for line := range bytes.Lines([]byte(listing)) {
			fields := bytes.Fields(line)
			if n := len(fields); n > 0 && string(fields[n-1]) == "RET" {
				want++
			}
		}
		if got[f.tap] != want || want == 0 {
			t.Errorf("%s: got %d RET probes, objdump shows %d", f.tap, got[f.tap], want)
		}
	}
}

func TestNotTraceable(t *testing.T) {
	goBinary := build(t, tlsProgram, nil)
	contents, err := os.ReadFile(goBinary)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(cut, contents[:len(contents)/2], 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old")
	version := []byte(goTool(t, "env", "GOVERSION"))
	oldVersion := append([]byte("go1.17."), version[len("go1.17."):]...)
	if err := os.WriteFile(old, bytes.ReplaceAll(contents, version, oldVersion), 0o700); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path, want string }{
		{"script", script, "not an ELF executable"},
		{"empty file", empty, "not an ELF executable"},
		{"C program", "/bin/sh", "not a Go binary"},
		{"no crypto/tls", build(t, plainProgram, nil), "no crypto/tls in this Go binary"},
		{"stripped, no crypto/tls", build(t, plainProgram, nil, "-ldflags=-s"), "no crypto/tls in this Go binary"},
		{"Go 1.17", old, "built by " + string(oldVersion) + "; Go 1.18 or newer is needed"},
		{"32-bit", build(t, plainProgram, []string{"GOARCH=386"}), "32-bit Go binary (EM_386); only amd64 is supported"},
		{"arm64", build(t, plainProgram, []string{"GOARCH=arm64"}), "Go binary for EM_AARCH64; only amd64 is supported here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := os.Open(test.path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			_, err = AnalyzeFor("amd64", f, Auto)
			var not *NotTraceableError
			if !errors.As(err, &not) || not.Reason != test.want {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
	for name, path := range map[string]string{
		"no TLS":           build(t, socketProgram, nil),
		"no TLS, stripped": build(t, socketProgram, nil, "-ldflags=-s"),
		"no TLS, accepts":  build(t, acceptProgram, nil),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := analyze(t, path, Auto)
			var no *NoTLSError
			if !errors.As(err, &no) || no.GoVersion != runtime.Version() || no.BuildID == "" {
				t.Errorf("got error %#v, want one without TLS, of %s", err, runtime.Version())
			}
		})
	}
	t.Run("cut in half", func(t *testing.T) {
		if p, err := analyze(t, cut, Auto); err == nil {
			t.Errorf("got a plan: %+v", p)
		}
	})
}
