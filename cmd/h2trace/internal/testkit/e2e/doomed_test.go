package e2e

// doomedSource is a client that makes a request, and in a phase of it crashes, executes another
// program, or forks. It prints its process id and does each step after a line on stdin: it begins,
// and then acts, wherever the request is. It says "reached" where only the client can know that
// the request is in the phase. After a fork it says "acted" and the process id of the child,
// and completes the request.
const doomedSource = `package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"unsafe"
)

var (
	phase, act, url, resolver = os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	other                     = os.Args[5:] // the command line of another program
	acted                     = make(chan struct{})
	forked                    = func() {} // ends the child of fork
)

func main() {
	log.SetFlags(0)
	stdin := bufio.NewReader(os.Stdin)
	fmt.Println(os.Getpid())
	await(stdin)
	go func() {
		await(stdin)
		fmt.Println("acted", acts())
		close(acted)
	}()
	switch phase {
	case "upload":
		body, w := io.Pipe()
		go func() {
			half := strings.Repeat("x", 50000)
			_, _ = io.WriteString(w, half)
			<-acted
			_, _ = io.WriteString(w, half)
			_ = w.Close()
		}()
		request("POST", "/upload", body)
	case "idle":
		request("GET", "/first", nil)
		fmt.Println("reached")
		<-acted
		request("GET", "/second", nil)
	default:
		request("GET", "/"+phase, nil)
	}
	<-acted
	forked()
}

func await(stdin *bufio.Reader) {
	if _, err := stdin.ReadString('\n'); err != nil {
		os.Exit(9)
	}
}

func init() {
	dialer := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", resolver)
	}}}
	http.DefaultTransport.(*http.Transport).DialContext = dialer.DialContext
	http.DefaultTransport.(*http.Transport).TLSHandshakeTimeout = 0
}

func request(method, path string, body io.Reader) {
	req, err := http.NewRequest(method, url+path, body)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if path == "/body" {
		if _, err := io.CopyN(io.Discard, resp.Body, 50000); err != nil {
			log.Fatal(err)
		}
		fmt.Println("reached")
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		log.Fatal(err)
	}
}

// acts returns the process id of the child that it made.
func acts() (child int) {
	switch act {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "segv": // without the handler of the Go runtime
		var action [32]byte // SIG_DFL
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGSEGV), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
		*(*byte)(nil) = 0
	case "exec":
		log.Fatal(syscall.Exec(other[0], other, os.Environ()))
	case "fork":
		r, w, err := os.Pipe()
		if err != nil {
			log.Fatal(err)
		}
		child = int(fork(r.Fd(), w.Fd()))
		forked = func() {
			_ = w.Close()
			if p, err := os.FindProcess(child); err == nil {
				_, _ = p.Wait()
			}
		}
	case "vfork": // which os/exec does
		cmd := exec.Command(other[0], other[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			log.Fatal(err, string(out))
		}
		child = cmd.Process.Pid
	}
	return child
}

// fork forks a child that has all connections open, until the pipe has no other end. In the child
// there is no Go runtime.
//
//go:nosplit
//go:norace
func fork(r, w uintptr) (pid uintptr) {
	pid, _, _ = syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		var b byte
		syscall.RawSyscall(syscall.SYS_CLOSE, w, 0, 0)
		syscall.RawSyscall(syscall.SYS_READ, r, uintptr(unsafe.Pointer(&b)), 1)
		for {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 3, 0, 0)
		}
	}
	return pid
}
`

var doomed = goProgram{name: "doomed", source: doomedSource}
