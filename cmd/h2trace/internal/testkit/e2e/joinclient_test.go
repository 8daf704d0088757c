package e2e

// joinClient is an HTTP/2 client for Go 1.18 that works in one of several ways until
// its stdin ends. It needs a server like joinServer.
const joinClient = `package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	client = &http.Client{Transport: transport}
	base   = os.Args[1]
	done   = make(chan struct{})
)

func main() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		if os.Args[2] == "bulk" || os.Args[2] == "duplex" {
			os.Exit(0) // the rest of the bodies matters to nobody
		}
		close(done)
	}()
	do("GET", "/size?n=10", nil) // all others use its connection
	var wg sync.WaitGroup
	for _, work := range map[string][]func(){
		"storm": {small, small, small, small, cancel, upload},
		"bulk":  {download, upload},
		"idle":  {rest},
		"duplex": {duplex, duplex, duplex, small},
	}[os.Args[2]] {
		wg.Add(1)
		go func(work func()) {
			defer wg.Done()
			for {
				select {
				case <-done:
					return
				default:
					work()
				}
			}
		}(work)
	}
	wg.Wait()
}

// slow passes on what it reads at some 40 MB/s.
type slow struct{ r io.Reader }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	if len(p) > 40000 {
		p = p[:40000]
	}
	return s.r.Read(p)
}

func do(method, path string, body io.Reader) {
	req, err := http.NewRequest(method, base+path, body)
	check(err)
	resp, err := client.Do(req)
	check(err)
	defer resp.Body.Close()
	if strings.HasPrefix(path, "/both") {
		time.Sleep(200 * time.Millisecond)
	}
	_, err = io.Copy(io.Discard, slow{resp.Body})
	check(err)
}

func small() {
	if rand.Intn(2) == 0 {
		do("GET", fmt.Sprintf("/size?n=%d", rand.Intn(60000)), nil)
		return
	}
	do("POST", "/echo", bytes.NewReader(make([]byte, rand.Intn(60000))))
}

func cancel() {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/size?n=1000000", nil)
	check(err)
	resp, err := client.Do(req)
	check(err)
	_, err = io.ReadFull(resp.Body, make([]byte, rand.Intn(30000)))
	check(err)
	end()
	resp.Body.Close()
	time.Sleep(5 * time.Millisecond)
}

func download() { do("GET", "/size?n=50000000", nil) }
func upload()   { do("POST", "/echo", slow{bytes.NewReader(make([]byte, 20000000))}) }

// duplex has the server read while it has no credit to write, and then nothing.
func duplex() {
	body := slow{bytes.NewReader(make([]byte, 1500000))}
	do("POST", "/both?n=5000000", io.MultiReader(body, pause{}))
}

// pause is the end of a body, which comes late.
type pause struct{}

func (pause) Read([]byte) (int, error) {
	time.Sleep(200 * time.Millisecond)
	return 0, io.EOF
}

func rest() {
	do("GET", fmt.Sprintf("/size?n=%d", rand.Intn(20000)), nil)
	time.Sleep(300 * time.Millisecond)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`
