//go:build linux

// Command count has the engine read each attack in two sizes, n and 4n, and prints what that
// costs: steps, which are blocks of statements that ran, and what it allocates and keeps. It is to
// be built with -cover -covermode=atomic, which counts the blocks.
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/coverage"

	"h2trace/cmd/h2trace/internal/testkit/hostile"
	"h2trace/cmd/h2trace/internal/trace"
)

func main() {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // it makes a certificate
	server.Close()
	out := json.NewEncoder(os.Stdout)
	for _, a := range hostile.Attacks(server.TLS.Certificates[0]) {
		c := hostile.Cost{Name: a.Name, N: a.N}
		for i := range c.Of {
			traffic, err := a.Of(a.N << (2 * i))
			if err == nil {
				c.Of[i], err = measure(&traffic)
			}
			if err != nil {
				log.Fatalf("%s: %v", a.Name, err)
			}
		}
		if err := out.Encode(c); err != nil {
			log.Fatal(err)
		}
	}
}

// measure returns what an attack costs.
func measure(t *hostile.Traffic) (m hostile.Measure, err error) {
	r := trace.NewReplay(trace.ReplayOptions{}, io.Discard)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := coverage.ClearCounters(); err != nil {
		return m, err
	}
	if _, err := r.Secrets(bytes.NewReader(t.Secrets)); err != nil {
		return m, err
	}
	for p := range t.Packets {
		m.Packets++
		m.Bytes += len(p.Data)
		if err := r.Packet(p); err != nil {
			return m, err
		}
	}
	var counters steps
	if err := coverage.WriteCounters(&counters); err != nil {
		return m, err
	}
	runtime.ReadMemStats(&after)
	m.Allocated = after.TotalAlloc - before.TotalAlloc
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(t) // what it is made of is no part of the difference
	m.Kept = int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if _, err := r.Finish(); err != nil {
		return m, err
	}
	m.Steps, err = counters.sum()
	return m, err
}
