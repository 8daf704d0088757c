package e2e

import (
	"slices"
	"strings"
	"testing"
)

// livesSource opens a TLS connection without traffic, prints its own address on it,
// and executes itself, as many times as its second argument has characters. The heap
// grows upwards without garbage collection. So the first tls.Conn beyond a border is at
// the same place each time, whatever was allocated before.
const livesSource = `package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"unsafe"
)

const border = 0xc000800000 // 8 MiB above the start of the heap

func main() {
	debug.SetGCPercent(-1)
	raw, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{InsecureSkipVerify: true}
	conn := tls.Client(raw, config)
	for uintptr(unsafe.Pointer(conn)) < border {
		conn = tls.Client(raw, config)
	}
	if err := conn.Handshake(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %p\n", raw.LocalAddr(), conn)
	if left := os.Args[2]; left != "" {
		log.Fatal(syscall.Exec("/proc/self/exe", []string{"lives", os.Args[1], left[1:]}, os.Environ()))
	}
}
`

// TestLives has a process execute itself again and again: what it had at an address
// before differs from what it has there now.
func TestLives(t *testing.T) {
	needProbes(t)
	s := startSite(t)
	// Since Go 1.26 the heap is at another address each time.
	lives := goProgram{name: "lives", source: livesSource, env: []string{"GOEXPERIMENT=norandomizedheapbase64"}}
	r := startTracing(t, command{args: []string{lives.path(t), strings.TrimPrefix(s.url, "https://"), "....."}, env: s.env}).good()
	var want, got []string
	at := make(map[string]bool)
	for line := range strings.Lines(r.stdout) {
		local, address, _ := strings.Cut(strings.TrimSpace(line), " ")
		want = append(want, local)
		at[address] = true
	}
	for _, c := range r.stream.Conns() {
		got = append(got, c.Open.Local)
		if c.Close == nil {
			t.Errorf("not closed: %s", c.Open.Raw)
		}
	}
	if !slices.Equal(got, want) || len(want) != 6 {
		t.Errorf("connections from %q, want %q", got, want)
	}
	if len(at) == len(want) {
		t.Errorf("no two connections were at one address: this proves nothing\n%s", r.stdout)
	}
}
