package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"h2trace/scripts/bench/pin"
)

// bench holds the state that all measurements share.
type bench struct {
	config
	log       *log.Logger
	dir       string // binaries, certificate, events
	cores     [2]int // of client and server, and of h2trace; -1 is any
	goroot    string
	report    report
	server    []*process
	collector *process // nil before it is needed
}

// process is a running server.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	url   string
	cert  string // "" without TLS
}

func newBench(ctx context.Context, c config) (*bench, error) {
	dir, err := os.MkdirTemp("", "h2trace-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{config: c, dir: dir, log: log.New(os.Stderr, "bench: ", 0)}
	b.report.Faults = []string{}
	// Before the build, which is a load itself.
	b.report.Load, err = loadAverage()
	if err == nil {
		b.cores, err = twoCores()
	}
	if err == nil {
		err = b.build(ctx)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	b.report.Host = host()
	b.report.Cores = b.cores
	b.report.Rounds = c.rounds
	if b.cores[0] < 0 {
		b.log.Print("only one core: client, server and h2trace share it, and throughput says little")
	}
	return b, nil
}

// close ends the servers and removes the files.
func (b *bench) close() {
	for _, p := range b.server {
		if err := errors.Join(p.stdin.Close(), p.cmd.Wait()); err != nil { // it exits at the end of its input
			b.log.Printf("server: %v", err)
		}
	}
	if err := os.RemoveAll(b.dir); err != nil {
		b.log.Print(err)
	}
}

// twoCores returns the first two cores that this process may use.
func twoCores() ([2]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return [2]int{}, os.NewSyscallError("sched_getaffinity", err)
	}
	cores := [2]int{-1, -1}
	found := 0
	for cpu := 0; cpu < 64*len(set) && found < 2; cpu++ {
		if set.IsSet(cpu) {
			cores[found] = cpu
			found++
		}
	}
	if found < 2 {
		return [2]int{-1, -1}, nil
	}
	return cores, nil
}

// build builds h2trace, client and server, as releases are built.
func (b *bench) build(ctx context.Context) error {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	b.goroot = strings.TrimSpace(string(root))
	targets := map[string]string{"client": "./scripts/bench/client", "server": "./scripts/bench/server"}
	if b.h2trace == "" {
		b.h2trace = filepath.Join(b.dir, "h2trace")
		targets["h2trace"] = "./cmd/h2trace"
	}
	if b.binary == "" && strings.Contains(b.parts, "startup") {
		b.binary = filepath.Join(b.dir, "go")
		targets["go"] = "cmd/go"
	}
	for name, pkg := range targets {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(b.dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

// startServer starts a server on a core. plain says without TLS.
func (b *bench) startServer(cpu int, plain bool) (*process, error) {
	p := &process{url: "http://"}
	if !plain {
		p.url, p.cert = "https://", filepath.Join(b.dir, fmt.Sprintf("cert%d.pem", len(b.server)))
	}
	p.cmd = exec.Command(filepath.Join(b.dir, "server"), "-cpu", fmt.Sprint(cpu), "-cert", p.cert)
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.stdin = stdin
	b.server = append(b.server, p)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("server did not say its address: %w", err)
	}
	p.url += strings.TrimSpace(line)
	return p, nil
}

// startCollector returns a collector on a core, the same each time.
func (b *bench) startCollector(cpu int) (*process, error) {
	if b.collector == nil {
		c, err := b.startServer(cpu, true)
		if err != nil {
			return nil, err
		}
		b.collector = c
	}
	return b.collector, nil
}

// start starts cmd on a core, or on any core if it is negative.
func start(cmd *exec.Cmd, cpu int) error {
	if cpu < 0 {
		return cmd.Start()
	}
	return pin.Start(cmd, cpu)
}

// host describes this machine.
func host() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return runtime.Version()
	}
	return fmt.Sprintf("%s, Linux %s %s, %d cores", runtime.Version(),
		unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]), runtime.NumCPU())
}

// loadAverage returns the load average of the last minute.
func loadAverage() (float64, error) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return strconv.ParseFloat(minute, 64)
}
