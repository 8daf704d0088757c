package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// joinServer is an HTTP/2 server for Go 1.18 that serves joinClient until its stdin
// ends.
const joinServer = `package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
)

func main() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	http.HandleFunc("/size", func(w http.ResponseWriter, r *http.Request) { send(w, r) })
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	http.HandleFunc("/both", func(w http.ResponseWriter, r *http.Request) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			io.Copy(io.Discard, r.Body)
		}()
		send(w, r)
		<-done
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	srv := &http.Server{}
	configure(srv)
	log.Fatal(srv.ServeTLS(listener, os.Args[1], os.Args[2]))
}

func send(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	for p := make([]byte, 100000); n > 0; n -= len(p) {
		if len(p) > n {
			p = p[:n]
		}
		if _, err := w.Write(p); err != nil {
			return
		}
	}
}
`

// The implementations of HTTP/2 for joinServer.
const (
	netConfigure = `package main

import "net/http"

func configure(*http.Server) {}
`
	xConfigure = `package main

import (
	"log"
	"net/http"

	"golang.org/x/net/http2"
)

func configure(srv *http.Server) {
	if err := http2.ConfigureServer(srv, nil); err != nil {
		log.Fatal(err)
	}
}
`
)

// joinServers are the servers that TestJoinWindowsServer joins, like joinBuilds. CI
// needs the listed works of the client; with H2TRACE_JOINS all run.
var joinServers = []struct {
	release string
	x       bool
	noRecv  bool
	works   []string
}{
	{release: "go1.18.10", noRecv: true, works: []string{"storm"}},
	{release: "go1.20.14"},
	{release: "go1.21.13"},
	{release: "go1.24.13"},
	{release: "go1.26.8", works: []string{"idle", "bulk"}},
	{release: "go1.27.3", works: []string{"storm", "duplex"}},
	{release: "go1.21.13", x: true, works: []string{"duplex"}},
}

// TestJoinWindowsServer is TestJoinWindows for servers.
func TestJoinWindowsServer(t *testing.T) {
	needProbes(t)
	if os.Getenv("H2TRACE_JOINS") == "" {
		t.Attr("reduced", "servers: some of go1.18 to go1.27; with H2TRACE_JOINS all, with each work of their clients")
	}
	a := modproxy.NewAuthority(t)
	cert, key := a.ServerFiles(t)
	dir := t.TempDir()
	client := filepath.Join(dir, "client")
	buildClient(t, joinClient, "go1.26.8", client, false, nil)
	for _, build := range joinServers {
		name, configure := build.release, netConfigure
		if build.x {
			name, configure = name+" x-net", xConfigure
		}
		works := build.works
		if os.Getenv("H2TRACE_JOINS") != "" {
			works = []string{"storm", "bulk", "idle", "duplex"}
		}
		if len(works) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			toolchain(t, build.release)
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+"-server")
			buildProgram(t, joinServer, configure, build.release, file, build.x, nil, "-ldflags=-s -w")
			for _, work := range works {
				t.Run(work, func(t *testing.T) {
					logFile := filepath.Join(t.TempDir(), "debug.log")
					srv := startLoggingServer(t, []string{file, cert, key}, debugEnv(peerEnv(a)), logFile)
					_, endClient := startLogging(t, []string{client, "https://" + srv.addr, work}, peerEnv(a), filepath.Join(t.TempDir(), "client.log"))
					end := func() {
						endClient()
						srv.stop()
					}
					frames := 30
					if work == "duplex" { // until streams have credit again
						frames = 500
					}
					joinLogging(t, srv.pid, filepath.Base(file), logFile, end, frames, !build.noRecv)
				})
			}
		})
	}
}
