// H2spec runs the cases of github.com/summerwind/h2spec, each on its own connection, several at a
// time, and prints a line of JSON for each: its section and number, and its port. A case that fails
// is run again and waits longer for the server, as on a busy machine it may have sent too little,
// unless its name is an argument: the server is known not to do what that one wants. With -clients, it
// runs the cases for clients, those of h2specd. It is a module of its own, as its dependencies are not
// those of h2trace.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
)

// result is a case with what came of it.
type result struct {
	Case        string `json:"case"` // "http2/8.1.2.3/1"
	Description string `json:"description"`
	Requirement string `json:"requirement"`
	Port        int    `json:"port"`              // of the client, in the last run; with -clients of the server
	Skipped     bool   `json:"skipped,omitempty"` // it does not apply to the server
	Failed      string `json:"failed,omitempty"`  // what h2spec objects to in its peer
}

func main() {
	log.SetFlags(0)
	host := flag.String("host", "127.0.0.1", "address of the server")
	port := flag.Int("port", 0, "its port")
	secure := flag.Bool("tls", false, "speak TLS")
	path := flag.String("path", "/", "path of requests")
	timeout := flag.Duration("timeout", 2*time.Second, "how long a case waits for an answer first")
	patience := flag.Duration("patience", time.Minute, "how long it waits at most")
	parallel := flag.Int("parallel", 8, "cases at a time")
	clients := flag.Bool("clients", false, "test a client instead, which is to connect to each port that the first line has")
	cert := flag.String("cert", "", "with -clients and -tls, the file of the certificate")
	key := flag.String("key", "", "and that of its key")
	flag.Parse()

	c := config.Config{Host: *host, Port: *port, TLS: *secure, Insecure: true, Path: *path, Timeout: *timeout, MaxHeaderLen: 4000}
	if *clients {
		c.CertFile, c.CertKeyFile, c.Timeout = *cert, *key, *patience
		if err := await(c, flag.Args()); err != nil {
			log.Fatalf("h2spec: %v", err)
		}
		return
	}
	if err := run(c, *parallel, *patience, flag.Args()); err != nil {
		log.Fatalf("h2spec: %v", err)
	}
}

// run runs all cases. Each has its own copy of the configuration.
func run(c config.Config, parallel int, patience time.Duration, failing []string) error {
	var (
		waits sync.WaitGroup
		mu    sync.Mutex
		errs  []error
		slots = make(chan struct{}, parallel)
		out   = json.NewEncoder(os.Stdout)
	)
	for id, tc := range cases(generic.Spec(), http2.Spec(), hpack.Spec()) {
		waits.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			c, most := c, patience
			if slices.Contains(failing, id) {
				most = c.Timeout
			}
			r, err := try(c, tc)
			for ; err == nil && r.Failed != "" && c.Timeout < most; r, err = try(c, tc) {
				c.Timeout *= 2
			}
			r.Case, r.Description, r.Requirement = id, tc.Desc, tc.Requirement
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err, out.Encode(r))
		})
	}
	waits.Wait()
	return errors.Join(errs...)
}
