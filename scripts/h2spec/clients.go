package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/summerwind/h2spec/client"
	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/spec"
)

// clientCases yields the cases of groups for clients, with their names.
func clientCases(groups ...*spec.ClientTestGroup) iter.Seq2[string, *spec.ClientTestCase] {
	return func(yield func(string, *spec.ClientTestCase) bool) {
		for _, g := range groups {
			for i, tc := range g.Tests {
				if !yield(fmt.Sprintf("%s/%d", g.ID(), i+1), tc) {
					return
				}
			}
			for id, tc := range clientCases(g.Groups...) {
				if !yield(id, tc) {
					return
				}
			}
		}
	}
}

// await tests a client: each case listens on a port of its own, and takes one connection. Its first line
// is an array of all cases with their ports, and then comes a line for each, with its result. The client
// is known not to do what the failing ones want.
func await(c config.Config, failing []string) error {
	conf, err := c.TLSConfig()
	if err != nil {
		return err
	}
	var (
		waits sync.WaitGroup
		mu    sync.Mutex
		list  []result
		errs  []error
		runs  []func() result
		out   = json.NewEncoder(os.Stdout)
	)
	for id, tc := range clientCases(client.Spec()) {
		l, err := net.Listen("tcp", net.JoinHostPort(c.Host, "0"))
		if err != nil {
			return err
		}
		r := result{Case: id, Description: tc.Desc, Requirement: tc.Requirement, Port: l.Addr().(*net.TCPAddr).Port}
		list = append(list, r)
		runs = append(runs, func() result {
			r.note(serve(c, conf, l, tc, slices.Contains(failing, id)))
			return r
		})
	}
	if err := out.Encode(list); err != nil {
		return err
	}
	for _, run := range runs {
		waits.Go(func() {
			r := run()
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, out.Encode(r))
		})
	}
	waits.Wait()
	return errors.Join(errs...)
}

// resetConn takes a reset for the end: h2spec does not know the error that package os wraps it in.
type resetConn struct{ net.Conn }

// Read implements net.Conn.
func (c resetConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, syscall.ECONNRESET) {
		err = io.EOF
	}
	return n, err
}

// serve runs a case on the first connection that comes.
func serve(c config.Config, conf *tls.Config, l net.Listener, tc *spec.ClientTestCase, fails bool) error {
	base, err := l.Accept()
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	if conf != nil {
		base = tls.Server(base, conf)
	}
	base = resetConn{base}
	if fails {
		base = &askedConn{Conn: base}
	}
	conn, err := spec.Accept(&c, base)
	if err != nil {
		return err
	}
	defer conn.Close()
	return tc.Run(&c, conn)
}
