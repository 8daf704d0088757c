package e2e

// joinClient is an HTTP/2 client in the Go of release 1.18 that is at work in
// one of some ways until its stdin ends.
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
		if os.Args[2] == "bulk" {
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
