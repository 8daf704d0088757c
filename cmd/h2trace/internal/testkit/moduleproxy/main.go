// Command moduleproxy is a Go module proxy for tests: that of github.com/goproxy/goproxy,
// with a directory as its cache. It prints its process id and its address on stdout, and
// serves HTTP on loopback until its stdin ends. It fetches through its own GOPROXY.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/goproxy/goproxy"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: moduleproxy DIR")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d\n%s\n", os.Getpid(), ln.Addr())
	proxy := &goproxy.Goproxy{Cacher: goproxy.DirCacher(os.Args[1])}
	go func() { log.Fatal(http.Serve(ln, proxy)) }()
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		log.Fatal(err)
	}
}
